/**
 * How far a member stored and read a chat. Marks only move forward: each write names the mark it passes, so that of
 * two writes on two nodes the lower one changes nothing. Those whose messages it concerns are told.
 */
import { ObjectId } from 'mongodb'
import type { Ctx } from '../../context.ts'
import type { MemberDoc } from '../../stores/mongo.ts'
import { forgetUnread } from './unread.ts'

/** Times kept per member for the receipts of single messages. */
const TIMES_KEPT = 50

export type MarkKind = 'read' | 'delivered'

/** Moves a mark up to `seq`. Gives the member as he is now. */
export async function moveMark(ctx: Ctx, member: MemberDoc, kind: MarkKind, seq: number): Promise<MemberDoc> {
  const { readSeq, deliveredSeq } = member
  if (seq <= (kind === 'read' ? readSeq : deliveredSeq)) return member
  const push = { $each: [{ seq, at: ctx.clock.now() }], $slice: -TIMES_KEPT }
  const after = await ctx.mongo.members.findOneAndUpdate(
    { _id: member._id, [kind === 'read' ? 'readSeq' : 'deliveredSeq']: { $lt: seq } },
    {
      ...(kind === 'read'
        ? { $max: { readSeq: seq, deliveredSeq: seq }, $push: { readMarks: push } }
        : { $max: { deliveredSeq: seq }, $push: { deliveredMarks: push } }),
      // That it is to be told is of the same write: who dies behind it leaves it to the others.
      $set: { 'untold.version': new ObjectId() },
      $currentDate: { 'untold.at': true },
      $min: {
        ...(kind === 'read' && { 'untold.read': readSeq }),
        ...(seq > deliveredSeq && { 'untold.delivered': deliveredSeq }),
      },
    },
    { returnDocument: 'after' },
  )
  if (!after) return (await ctx.mongo.members.findOne({ _id: member._id })) ?? member
  if (kind === 'read') await forgetUnread(ctx, member.userId, member.chatId)
  ctx.after(() => ctx.untold.members.tell(after))
  return after
}
