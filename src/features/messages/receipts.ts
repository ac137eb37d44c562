/** Read and delivered from a client's word, and who has read a message. */
import type { Ctx } from '../../context.ts'
import { canSee, loadHead, marksAsLeft } from '../../chat-log/index.ts'
import { denied } from '../../lib/errors.ts'
import type { MemberDoc } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { lastVisible, requireAccess, requireMember } from '../chats/index.ts'
import { moveMark, shareReceipts, unreadCounts, type MarkKind } from '../marks/index.ts'
import { requireMessage, seqOf } from './history.ts'

export interface Marks {
  chatId: string
  readSeq: number
  deliveredSeq: number
  unreadCount: number
}

/** Beyond the head counts as the head; below the mark changes nothing. */
export async function setMark(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  kind: MarkKind,
  upTo: string | number,
): Promise<Marks> {
  const access = await requireMember(ctx, actor, chatId)
  const wanted = await seqOf(ctx, access, upTo)
  let { seq: end } = await ctx.chatLog.state(access.chatHex)
  // What the caller has seen may be newer than what this node knows.
  if (wanted > end) end = (await loadHead(ctx.mongo, access.chatId)).seq
  const member = await moveMark(ctx, access.member, kind, Math.min(wanted, end))
  const { seq, rev } = await loadHead(ctx.mongo, access.chatId)
  const [unreadCount = 0] = await unreadCounts(ctx, [{ member, seq: lastVisible(member, seq), rev }])
  return {
    chatId,
    readSeq: member.readSeq,
    deliveredSeq: Math.max(member.deliveredSeq, member.readSeq),
    unreadCount,
  }
}

interface Receipt {
  userId: string
  at: string
}

/** For the sender: who stored and who read the message, and when. */
export async function listReceipts(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  messageId: string,
): Promise<{ delivered: Receipt[]; read: Receipt[] }> {
  const access = await requireAccess(ctx, actor, chatId)
  const message = await requireMessage(ctx, access, messageId)
  if (message.senderId !== actor.userId) throw denied('Only the sender sees the receipts of a message.')
  const found = await ctx.mongo.members.find({ chatId: access.chatId }).toArray()
  const members = found.map((member) => marksAsLeft(member, access.member))
  const others = members.filter(
    (member) =>
      member.userId !== actor.userId &&
      canSee(member, message.seq) &&
      !message.withheldFor?.includes(member.userId),
  )
  const shared = access.chat.type !== 'direct' || (await shareReceipts(ctx, access.chat.participants))
  const read = shared ? others.filter((member) => member.readSeq >= message.seq) : []
  const delivered = others.filter((member) => Math.max(member.deliveredSeq, member.readSeq) >= message.seq)
  return {
    delivered: delivered.map((member) =>
      receipt(member, message.seq, [...member.deliveredMarks, ...member.readMarks]),
    ),
    read: read.map((member) => receipt(member, message.seq, member.readMarks)),
  }
}

/** The earliest mark at or beyond the place; older ones than are kept are told by the oldest kept. */
function receipt(member: MemberDoc, seq: number, marks: Array<{ seq: number; at: Date }>): Receipt {
  const times = marks.filter((mark) => mark.seq >= seq).map((mark) => mark.at.getTime())
  const at = times.length > 0 ? new Date(Math.min(...times)) : member.joinedAt
  return { userId: member.userId, at: at.toISOString() }
}
