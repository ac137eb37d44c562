/** Who sees a message alike: a view is made and encoded once for all of them, and nobody gets another one's. */
import type { Ids } from '../lib/ids.ts'
import type { MemberDoc, MessageDoc } from '../stores/mongo.ts'
import { asLeft } from './as-left.ts'
import {
  canSee,
  isPartlyWithheld,
  isVoidFor,
  toMessage,
  type MessageStatus,
  type MessageView,
} from './message-view.ts'

export interface Audience {
  /** User ids, joined: the form that fan-out takes. */
  recipients: string
  view: MessageView
}

/** The views of a message for those of the given members who may see its place. `status` is what its sender sees. */
export function audiencesOf(
  ids: Ids,
  doc: MessageDoc,
  viewers: Iterable<MemberDoc>,
  status: MessageStatus,
): Audience[] {
  const groups = new Map<string, { seen: MessageDoc; userIds: [string, ...string[]] }>()
  for (const viewer of viewers) {
    if (!canSee(viewer, doc.seq)) continue
    const seen = asLeft(doc, viewer)
    const key = `${seen === doc ? '' : seen.rev} ${whatDiffers(seen, viewer.userId)}`
    const group = groups.get(key)
    if (group) group.userIds.push(viewer.userId)
    else groups.set(key, { seen, userIds: [viewer.userId] })
  }
  return [...groups.values()].map(({ seen, userIds }) => {
    const [userId] = userIds
    const own = userId === doc.senderId ? { status } : {}
    return { recipients: userIds.join(''), view: toMessage(ids, seen, { userId, ...own }) }
  })
}

/** Those who see the message itself, joined. */
export function seersOf(doc: MessageDoc, viewers: Iterable<MemberDoc>): string {
  let joined = ''
  for (const viewer of viewers)
    if (canSee(viewer, doc.seq) && !isVoidFor(doc, viewer.userId)) joined += viewer.userId
  return joined
}

function whatDiffers(doc: MessageDoc, userId: string): string {
  if (isVoidFor(doc, userId)) return 'void'
  if (userId === doc.senderId || isPartlyWithheld(doc, userId)) return userId
  if (doc.replyTo?.withheldFor?.includes(userId)) return userId
  return doc.reactions?.find((reaction) => reaction.userId === userId)?.emoji ?? ''
}
