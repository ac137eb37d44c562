/** How far a member stored and read a chat. Marks only move forward, and those whose messages it concerns are told. */
import type { Ctx } from '../../context.ts'
import type { MemberDoc } from '../../stores/mongo.ts'
import type { MarkKind } from './mark-writer.ts'
import { forgetUnread } from './unread.ts'

/** Moves a mark up to `seq`. Gives the member as he is now. */
export async function moveMark(ctx: Ctx, member: MemberDoc, kind: MarkKind, seq: number): Promise<MemberDoc> {
  if (seq <= (kind === 'read' ? member.readSeq : member.deliveredSeq)) return member
  const after = await ctx.marks.move(member, kind, seq)
  if (kind === 'read') await forgetUnread(ctx, member.userId, member.chatId)
  ctx.untold.members.tellSoon(after)
  return after
}
