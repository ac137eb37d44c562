/** Who hears of a member's marks, and how far: from the document alone, so that any node can tell it at any time. */
import type { ObjectId } from 'mongodb'
import type { Ctx } from '../../context.ts'
import type { MemberDoc } from '../../stores/mongo.ts'
import type { Telling } from '../untold/index.ts'
import { shareReceipts } from './share-receipts.ts'
import type { MarkKind } from './mark-writer.ts'

interface Receipt extends Telling {
  data: { chatId: string; userId: string; upToSeq: number; timestamp: string }
}

/** Places that a mark passed: those above `above`, up to `upTo`. */
interface Span {
  above: number
  upTo: number
}

/** What is untold of the member's marks; `told` is the member as he was told lately. */
export async function receiptTellings(
  ctx: Ctx,
  member: MemberDoc,
  told: MemberDoc | undefined,
): Promise<Telling[]> {
  const read = span(member.untold?.read, told?.readSeq, member.readSeq)
  const delivered = span(member.untold?.delivered, told?.deliveredSeq, member.deliveredSeq)
  if (!read && !delivered) return []
  const { chat, members } = await ctx.chatLog.state(member.chatId.toHexString())
  const others = [...members.keys()].filter((userId) => userId !== member.userId)
  const tellings =
    chat.type === 'direct'
      ? await directTellings(ctx, member, others, { read, delivered })
      : await groupTellings(ctx, member, others, { read, delivered })
  // The reader's other devices clear their badges by it; nobody hears of his own delivery.
  if (read && member.active) tellings.push(receipt(ctx, member, 'read', [member.userId], read.upTo))
  return alikeAsOne(tellings)
}

/** What several people hear alike is told in one go. */
function alikeAsOne(tellings: Receipt[]): Receipt[] {
  const merged: Receipt[] = []
  for (const telling of tellings) {
    const same = merged.find(
      ({ event, data }) => event === telling.event && data.upToSeq === telling.data.upToSeq,
    )
    if (same) same.userIds.push(...telling.userIds)
    else merged.push(telling)
  }
  return merged
}

function span(above: number | undefined, told: number | undefined, upTo: number): Span | null {
  if (above === undefined) return null
  const from = Math.max(above, told ?? 0)
  return from < upTo ? { above: from, upTo } : null
}

interface Spans {
  read: Span | null
  delivered: Span | null
}

async function directTellings(
  ctx: Ctx,
  member: MemberDoc,
  others: string[],
  { read, delivered }: Spans,
): Promise<Receipt[]> {
  const [other] = others
  if (other === undefined) return []
  const shared = read && (await shareReceipts(ctx, [member.userId, other])) ? read : null
  const kinds: Array<[MarkKind, Span]> = []
  if (shared) kinds.push(['read', shared])
  if (delivered && !covers(shared, delivered)) kinds.push(['delivered', delivered])
  const tellings: Receipt[] = []
  for (const [kind, passed] of kinds) {
    const reached = await tellable(ctx, member, other, passed)
    if (reached !== null) tellings.push(receipt(ctx, member, kind, [other], reached))
  }
  return tellings
}

/** In a group only those hear of a mark whose messages it passed: the others' ticks do not change. */
async function groupTellings(
  ctx: Ctx,
  member: MemberDoc,
  others: string[],
  { read, delivered }: Spans,
): Promise<Receipt[]> {
  const kinds: Array<[MarkKind, Span]> = []
  if (read) kinds.push(['read', read])
  if (delivered && !covers(read, delivered)) kinds.push(['delivered', delivered])
  return Promise.all(
    kinds.map(async ([kind, passed]) => {
      const senders = new Set(await sendersBetween(ctx, member.chatId, passed))
      const userIds = others.filter((userId) => senders.has(userId))
      return receipt(ctx, member, kind, userIds, passed.upTo)
    }),
  )
}

/** Read implies delivered. */
const covers = (read: Span | null, delivered: Span): boolean =>
  read !== null && read.above <= delivered.above && read.upTo >= delivered.upTo

function receipt(ctx: Ctx, member: MemberDoc, kind: MarkKind, userIds: string[], upToSeq: number): Receipt {
  const times = kind === 'read' ? member.readMarks : [...member.deliveredMarks, ...member.readMarks]
  const at = times.filter((mark) => mark.seq >= upToSeq).map((mark) => mark.at.getTime())
  return {
    userIds,
    event: kind === 'read' ? 'message:read' : 'message:delivered',
    data: {
      chatId: ctx.ids.chat.encode(member.chatId.toHexString()),
      userId: member.userId,
      upToSeq,
      timestamp: (at.length > 0 ? new Date(Math.min(...at)) : ctx.clock.now()).toISOString(),
    },
  }
}

/**
 * How far a mark may be told to the other one of a direct chat: no further than the last of his messages that was not
 * withheld, and not at all (null) while either blocks the other.
 */
async function tellable(
  ctx: Ctx,
  { userId, chatId }: MemberDoc,
  otherId: string,
  { above, upTo }: Span,
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

const sendersBetween = (ctx: Ctx, chatId: ObjectId, { above, upTo }: Span): Promise<string[]> =>
  ctx.mongo.messages.distinct('senderId', { chatId, seq: { $gt: above, $lte: upTo } })
