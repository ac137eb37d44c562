/** From documents of the log to what fan-out tells. */
import { toPayload, type ChatFanout, type FanoutEvent } from '../delivery/index.ts'
import type { Ids } from '../lib/ids.ts'
import type { MemberDoc, MessageDoc } from '../stores/mongo.ts'
import { audiencesOf, seersOf } from './audiences.ts'
import { isVoidFor, statusOf, toMessage, type MessageStatus, type MessageView } from './message-view.ts'

/** How many of its revisions a message keeps: enough that no node can take one of them again. */
export const REVS_KEPT = 500
/** Cached unread counts are thrown away and made anew from the log. */
export const RECOUNT = '*'

/** An event with its recipients' ids, joined. */
export type Telling = Omit<FanoutEvent, 'set'> & { recipients: string }

/** Nobody counts system messages as unread; everyone else's do, but for their sender. */
const unreadFor = (doc: MessageDoc) => (doc.messageType === 'system' || doc.deletedAt ? '' : doc.senderId)

export function receivedEvent(doc: MessageDoc, json: string, set: number, origin: string): FanoutEvent {
  return {
    rev: doc.rev,
    set,
    payload: toPayload('message:received', `{"message":${json}}`, markOf(doc)),
    unreadFor: unreadFor(doc),
    origin,
  }
}

/** A new message to everyone: those for whom its place is void get the place alone. `sets` takes the sets used. */
export function receivedEvents(
  ids: Ids,
  { doc, json, origin, recipients }: { doc: MessageDoc; json: string; origin: string; recipients: string },
  sets: string[],
): FanoutEvent[] {
  const voids = doc.voidFor?.filter((userId) => recipients.includes(userId)) ?? []
  // They see the message, but not what it quotes.
  const quoteless = doc.replyTo?.withheldFor?.filter((userId) => !voids.includes(userId)) ?? []
  const seers = [...voids, ...quoteless].reduce((rest, userId) => rest.replace(userId, ''), recipients)
  const events: FanoutEvent[] = []
  if (seers !== '') events.push(receivedEvent(doc, json, setOf(sets, seers), origin))
  const viewOf = (userId: string) => JSON.stringify(toMessage(ids, doc, { userId }))
  for (const userId of quoteless)
    if (recipients.includes(userId)) events.push(receivedEvent(doc, viewOf(userId), setOf(sets, userId), ''))
  const [userId] = voids
  if (userId !== undefined) {
    // Without a mark: storing a void place makes nothing delivered.
    const payload = toPayload('message:received', `{"message":${viewOf(userId)}}`)
    events.push({ rev: doc.rev, set: setOf(sets, voids.join('')), payload, unreadFor: '', origin: '' })
  }
  return events
}

/** Recipients that are alike share a set. */
function setOf(sets: string[], recipients: string): number {
  const known = sets.indexOf(recipients)
  return known >= 0 ? known : sets.push(recipients) - 1
}

/**
 * One job of several tellings. Counts are raised per set, so tellings with overlapping sets must not raise
 * any: '' or RECOUNT.
 */
export function toFanout(
  chatHex: string,
  { from, to }: { from: number; to: number },
  tellings: Telling[],
): ChatFanout {
  const sets: string[] = []
  const events: FanoutEvent[] = []
  for (const { recipients, ...event } of tellings) {
    if (recipients !== '') events.push({ ...event, set: setOf(sets, recipients) })
  }
  return { chatHex, from, to, sets, events }
}

/** The message as it is now, to each of those who see its place. `status` is what its sender sees. */
export function editedTellings(
  ids: Ids,
  doc: MessageDoc,
  viewers: Iterable<MemberDoc>,
  status: MessageStatus,
): Telling[] {
  return audiencesOf(ids, doc, viewers, status).map(({ recipients, view }) => ({
    recipients,
    rev: doc.rev,
    payload: toPayload('message:edited', JSON.stringify({ message: view })),
    unreadFor: '',
    origin: '',
  }))
}

/** That the message is gone, and by whom. */
export function deletedTelling(ids: Ids, doc: MessageDoc, recipients: string, deletedBy: string): Telling {
  const data = {
    chatId: ids.chat.encode(doc.chatId.toHexString()),
    messageId: ids.message.encode(doc._id.toHexString()),
    seq: doc.seq,
    rev: doc.rev,
    deletedBy,
  }
  return {
    recipients,
    rev: doc.rev,
    payload: toPayload('message:deleted', JSON.stringify(data)),
    unreadFor: RECOUNT,
    origin: '',
  }
}

/**
 * What is told of a chat's revisions from one to another, read from the log after a failure. `docs` are all messages
 * that took one of them. A message goes out at its first revision and, where it changed since, as it is now at its
 * last one: so the order of places and that of revisions both hold. New places go to those who may see them, whoever
 * is a member by now; changes only to present members.
 */
export function rebuiltFanout(
  ids: Ids,
  chatHex: string,
  fromRev: number,
  docs: MessageDoc[],
  members: MemberDoc[],
  toRev: number = docs.at(-1)?.rev ?? 0,
): ChatFanout | null {
  if (toRev < fromRev) return null
  const present = members.filter((member) => member.active)
  const within = (rev: number) => rev >= fromRev && rev <= toRev
  const tellings = docs.flatMap((doc) => {
    const first = firstRev(doc)
    return [
      ...(first !== null && within(first) ? receivedTellings(ids, doc, first, members) : []),
      ...(doc.rev !== first && within(doc.rev) ? changedTellings(ids, doc, present) : []),
    ]
  })
  tellings.sort((a, b) => a.rev - b.rev)
  // How often each of them was counted is not known here.
  for (const telling of tellings) telling.unreadFor = RECOUNT
  return toFanout(chatHex, { from: fromRev, to: toRev }, tellings)
}

/** The revision of the insert; null where it is no longer kept, so long ago was it. */
const firstRev = (doc: MessageDoc): number | null =>
  doc.revs.length < REVS_KEPT ? (doc.revs[0] ?? null) : null

/** Who hides his receipts is not known here, and who had it read already knows it: a client keeps the better status. */
const atMostDelivered = (doc: MessageDoc, members: MemberDoc[]): MessageStatus =>
  statusOf(doc, members) === 'sent' ? 'sent' : 'delivered'

function receivedTellings(ids: Ids, doc: MessageDoc, rev: number, members: MemberDoc[]): Telling[] {
  return audiencesOf(ids, doc, members, 'sent').map(({ recipients, view }) => {
    // Under the later revision a client would believe that it has everything before that one.
    const message: MessageView = { ...view, rev }
    // Storing a void place makes nothing delivered.
    const mark = view.type === 'void' ? undefined : markOf(doc)
    const payload = toPayload('message:received', JSON.stringify({ message }), mark)
    return { recipients, rev, payload, unreadFor: '', origin: '' }
  })
}

function changedTellings(ids: Ids, doc: MessageDoc, present: MemberDoc[]): Telling[] {
  const status = atMostDelivered(doc, present)
  if (!doc.deletedAt) return editedTellings(ids, doc, present, status)
  // For whom the place is void there is nothing to be deleted.
  const apart = present.filter((member) => isVoidFor(doc, member.userId))
  return [
    deletedTelling(ids, doc, seersOf(doc, present), doc.deletedBy ?? doc.senderId),
    ...editedTellings(ids, doc, apart, status),
  ]
}

const markOf = (doc: MessageDoc) => ({
  chatHex: doc.chatId.toHexString(),
  seq: doc.seq,
  senderId: doc.senderId,
})
