/**
 * Changes of a group: each is a system message with a place in the log, stored in one transaction with what it
 * changes. So membership is known for every place, and nobody on any node can write behind a change unaware of it.
 */
import { MongoError, ObjectId, type ClientSession } from 'mongodb'
import { receivedEvent, toMessage, type ChatState } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { toPayload, type ChatFanout } from '../../delivery/index.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { MessageDoc, SystemNote } from '../../stores/mongo.ts'

export interface GroupEvent {
  userIds: string[]
  event: string
  data: Record<string, unknown>
}

export interface GroupChange {
  note: SystemNote
  /** The documents that change with it, in the transaction; `message` is the change's own place. */
  write(session: ClientSession, message: MessageDoc): Promise<void>
  /** Who sees the system message: present members, and those who are leaving with it. */
  audience: string[]
  events(message: MessageDoc): GroupEvent[]
}

/**
 * Decides on the chat as of the place it takes, then writes. `decide` gives null where nothing is to be changed.
 * Resolves with the change's place, or null.
 */
export async function changeGroup(
  ctx: Ctx,
  chatHex: string,
  actorId: string,
  decide: (state: ChatState) => GroupChange | null | Promise<GroupChange | null>,
): Promise<number | null> {
  const seq = await ctx.chatLog.change(chatHex, async (state) => {
    const change = await decide(state)
    if (!change) return { value: null, fanout: null }
    const message = systemMessage(ctx, state, actorId, change.note)
    await inTransaction(ctx, async (session) => {
      await ctx.mongo.messages.insertOne(message, { session })
      await change.write(session, message)
    })
    return { value: message.seq, fanout: toFanout(ctx, chatHex, message, change), message }
  })
  if (seq !== null) await ctx.chatLog.membersChanged(chatHex)
  return seq
}

/**
 * Runs the work in a transaction with majority on both ends; conflicts with other transactions are tried again. By hand,
 * for the driver's own loop goes on for two minutes where a majority is missing, and the chat's line waits for it.
 */
export async function inTransaction(
  ctx: Ctx,
  work: (session: ClientSession) => Promise<void>,
): Promise<void> {
  const deadline = performance.now() + LIMITS.storeTimeoutMs
  await ctx.mongo.client.withSession(async (session) => {
    for (;;) {
      session.startTransaction()
      try {
        await work(session)
        await session.commitTransaction()
        return
      } catch (err) {
        if (session.inTransaction()) await session.abortTransaction().catch(() => undefined)
        const again = err instanceof MongoError && err.hasErrorLabel('TransientTransactionError')
        if (!again || performance.now() > deadline) throw err
      }
    }
  })
}

export function systemMessage(
  ctx: Ctx,
  place: { chat: { _id: ObjectId }; seq: number; rev: number },
  actorId: string,
  note: SystemNote,
): MessageDoc {
  const at = ctx.clock.now()
  const rev = place.rev + 1
  return {
    _id: new ObjectId(),
    chatId: place.chat._id,
    seq: place.seq + 1,
    rev,
    revs: [rev],
    senderId: actorId,
    message: null,
    messageType: 'system',
    readBy: [],
    callData: null,
    system: note,
    createdAt: at,
    updatedAt: at,
  }
}

function toFanout(ctx: Ctx, chatHex: string, message: MessageDoc, change: GroupChange): ChatFanout {
  const sets = [change.audience.join('')]
  const events = [receivedEvent(message, JSON.stringify(toMessage(ctx.ids, message)), 0, '')]
  for (const { userIds, event, data } of change.events(message)) {
    if (userIds.length === 0) continue
    sets.push(userIds.join(''))
    events.push({
      rev: message.rev,
      set: sets.length - 1,
      payload: toPayload(event, JSON.stringify({ ...data, rev: message.rev })),
      unreadFor: '',
      origin: '',
    })
  }
  return { chatHex, from: message.rev, to: message.rev, sets, events }
}
