/**
 * How far a member stored and read a chat. Marks only move forward: each write names the mark it passes, so that of
 * two writes on two nodes the lower one changes nothing. Those whose messages it concerns are told.
 */
import type { ObjectId } from 'mongodb'
import type { Ctx } from '../../context.ts'
import type { MemberDoc } from '../../stores/mongo.ts'
import { privacyOf } from '../accounts/index.ts'
import { forgetUnread } from './unread.ts'

/** Times kept per member for the receipts of single messages. */
const TIMES_KEPT = 50
const RECEIPT_SETTING_MS = 5000

export type MarkKind = 'read' | 'delivered'

/** Moves a mark up to `seq`. Gives the member as he is now. */
export async function moveMark(ctx: Ctx, member: MemberDoc, kind: MarkKind, seq: number): Promise<MemberDoc> {
  const before = kind === 'read' ? member.readSeq : member.deliveredSeq
  if (seq <= before) return member
  const at = ctx.clock.now()
  const field = kind === 'read' ? 'readSeq' : 'deliveredSeq'
  const push = { $each: [{ seq, at }], $slice: -TIMES_KEPT }
  const after = await ctx.mongo.members.findOneAndUpdate(
    { _id: member._id, [field]: { $lt: seq } },
    kind === 'read'
      ? { $max: { readSeq: seq, deliveredSeq: seq }, $push: { readMarks: push } }
      : { $max: { deliveredSeq: seq }, $push: { deliveredMarks: push } },
    { returnDocument: 'after' },
  )
  if (!after) return (await ctx.mongo.members.findOne({ _id: member._id })) ?? member
  if (kind === 'read') await forgetUnread(ctx, member.userId, member.chatId)
  ctx.after(() => tellMark(ctx, after, kind, { above: before, upTo: seq, at }))
  return after
}

interface Moved {
  above: number
  upTo: number
  at: Date
}

async function tellMark(
  ctx: Ctx,
  member: MemberDoc,
  kind: MarkKind,
  { above, upTo, at }: Moved,
): Promise<void> {
  const chatHex = member.chatId.toHexString()
  const { chat, members } = await ctx.chatLog.state(chatHex)
  const others = [...members.keys()].filter((userId) => userId !== member.userId)
  const concerned =
    chat.type === 'direct' ? others : await sendersBetween(ctx, member.chatId, above, upTo, others)
  const told =
    kind === 'read' && chat.type === 'direct' && !(await shareReceipts(ctx, [member.userId, ...others]))
      ? []
      : concerned
  const [other] = others
  const reached =
    chat.type === 'direct' && other !== undefined ? await tellable(ctx, member, other, { above, upTo }) : upTo
  const tell = (userIds: string[], upToSeq: number) =>
    ctx.delivery.notifyUsers(userIds, {
      event: kind === 'read' ? 'message:read' : 'message:delivered',
      data: {
        chatId: ctx.ids.chat.encode(chatHex),
        userId: member.userId,
        upToSeq,
        timestamp: at.toISOString(),
      },
    })
  // The reader's other devices clear their badges by it; nobody hears of his own delivery.
  const own = kind === 'read' ? [member.userId] : []
  if (reached === upTo) {
    await tell([...told, ...own], upTo)
    return
  }
  if (reached !== null) await tell(told, reached)
  await tell(own, upTo)
}

/**
 * How far a mark may be told to the other one of a direct chat: no further than the last of his messages that was not
 * withheld, and not at all (null) while either blocks the other.
 */
async function tellable(
  ctx: Ctx,
  { userId, chatId }: MemberDoc,
  otherId: string,
  { above, upTo }: { above: number; upTo: number },
): Promise<number | null> {
  await ctx.blocks.load(userId, otherId).catch(() => undefined)
  if (ctx.blocks.isBlocked(userId, otherId) || ctx.blocks.isBlocked(otherId, userId)) return null
  // Only a block leaves something withheld, so that most chats need no look at the log.
  if (ctx.blocks.everBlocked(userId, otherId) === false) return upTo
  const last = await ctx.mongo.messages.findOne(
    { chatId, senderId: otherId, seq: { $gt: above, $lte: upTo }, withheldFor: { $ne: userId } },
    { sort: { seq: -1 }, projection: { seq: 1 } },
  )
  return last?.seq ?? null
}

/** In a group only those hear of a mark whose messages it passed: the others' ticks do not change. */
async function sendersBetween(
  ctx: Ctx,
  chatId: ObjectId,
  above: number,
  upTo: number,
  members: string[],
): Promise<string[]> {
  const senders = await ctx.mongo.messages.distinct('senderId', { chatId, seq: { $gt: above, $lte: upTo } })
  return senders.filter((userId) => members.includes(userId))
}

const receiptSettings = new Map<string, { gives: boolean; readAt: number }>()

/** Who turned read receipts off in direct chats neither gives nor gets them. */
export async function shareReceipts(ctx: Ctx, userIds: string[]): Promise<boolean> {
  const now = performance.now()
  const unknown = userIds.filter(
    (id) => now - (receiptSettings.get(id)?.readAt ?? -Infinity) > RECEIPT_SETTING_MS,
  )
  if (unknown.length > 0) {
    const privacy = await privacyOf(ctx, unknown)
    if (receiptSettings.size > 50_000) receiptSettings.clear()
    for (const id of unknown)
      receiptSettings.set(id, { gives: privacy.get(id)?.readReceipts ?? true, readAt: now })
  }
  return userIds.every((id) => receiptSettings.get(id)?.gives ?? true)
}
