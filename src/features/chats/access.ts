/** The only way to a chat on somebody's behalf: strangers get the same 404 as for a chat that does not exist. */
import { ObjectId } from 'mongodb'
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import type { ChatDoc, MemberDoc } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'

export interface Access {
  chatHex: string
  chatId: ObjectId
  chat: ChatDoc
  member: MemberDoc
}

/** Members and ex-members: what they may read is bounded by their intervals. */
export async function requireAccess(ctx: Ctx, actor: DeviceActor, chatId: string): Promise<Access> {
  const chatHex = requireChatHex(ctx, chatId)
  const _id = new ObjectId(chatHex)
  const [chat, member] = await Promise.all([
    ctx.mongo.chats.findOne({ _id }),
    ctx.mongo.members.findOne({ chatId: _id, userId: actor.userId }),
  ])
  if (!chat || !member) throw notFound('chat')
  return { chatHex, chatId: _id, chat, member }
}

/** Present members only: for everything that writes. */
export async function requireMember(ctx: Ctx, actor: DeviceActor, chatId: string): Promise<Access> {
  const access = await requireAccess(ctx, actor, chatId)
  if (!access.member.active) throw notFound('chat')
  return access
}

/** The chat's hex ObjectId, or the 404 of a chat that does not exist. */
export function requireChatHex(ctx: Ctx, chatId: string): string {
  const hex = ctx.ids.chat.decode(chatId)
  if (hex === null) throw notFound('chat')
  return hex
}

/** The last place that a member may see. */
export function lastVisible(member: MemberDoc, seq: number): number {
  const last = member.visible.at(-1)
  return last?.to == null ? seq : Math.min(seq, last.to)
}
