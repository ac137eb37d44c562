/** From documents of the log to what fan-out tells. */
import { toPayload, type ChatFanout, type FanoutEvent } from '../delivery/index.ts'
import type { Ids } from '../lib/ids.ts'
import type { MemberDoc, MessageDoc } from '../stores/mongo.ts'
import { canSee, toMessage } from './message-view.ts'

/** Nobody counts system messages as unread; everyone else's do, but for their sender. */
const unreadFor = (doc: MessageDoc) => (doc.messageType === 'system' || doc.deletedAt ? '' : doc.senderId)

export function receivedEvent(doc: MessageDoc, json: string, set: number, origin: string): FanoutEvent {
  const mark = { chatHex: doc.chatId.toHexString(), seq: doc.seq, senderId: doc.senderId }
  return {
    rev: doc.rev,
    set,
    payload: toPayload('message:received', `{"message":${json}}`, mark),
    unreadFor: unreadFor(doc),
    origin,
  }
}

/**
 * What is told of a chat from a revision on, read from the log after a failure. Of a message that changed since, its
 * present state is told: clients end where the live events would have led them. Each place goes to those who may see
 * it, whoever is a member by now.
 */
export function rebuiltFanout(
  ids: Ids,
  chatHex: string,
  fromRev: number,
  docs: MessageDoc[],
  members: MemberDoc[],
): ChatFanout | null {
  const last = docs.at(-1)
  if (!last) return null
  const sets: string[] = []
  const events = docs.map((doc) => {
    const recipients = members
      .filter((member) => canSee(member, doc.seq))
      .map((member) => member.userId)
      .join('')
    if (!sets.includes(recipients)) sets.push(recipients)
    return rebuiltEvent(ids, doc, fromRev, sets.indexOf(recipients))
  })
  return { chatHex, from: fromRev, to: last.rev, sets, events }
}

function rebuiltEvent(ids: Ids, doc: MessageDoc, fromRev: number, set: number): FanoutEvent {
  const view = toMessage(ids, doc)
  const json = JSON.stringify(view)
  if ((doc.revs[0] ?? 0) >= fromRev) return receivedEvent(doc, json, set, '')
  const payload = doc.deletedAt
    ? toPayload(
        'message:deleted',
        JSON.stringify({
          chatId: view.chatId,
          messageId: view.id,
          seq: doc.seq,
          rev: doc.rev,
          deletedBy: doc.deletedBy ?? null,
        }),
      )
    : toPayload('message:edited', `{"message":${json}}`)
  return { rev: doc.rev, set, payload, unreadFor: '', origin: '' }
}
