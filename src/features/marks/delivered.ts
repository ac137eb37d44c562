/** `delivered` from acknowledged cursors: what a device said it stored, chat by chat, each at its highest place. */
import { ObjectId } from 'mongodb'
import type { Ctx } from '../../context.ts'
import type { MemberDoc } from '../../stores/mongo.ts'
import { moveMark } from './watermarks.ts'

/** Resolves with whether any of it was news. */
export async function markDelivered(
  ctx: Ctx,
  userId: string,
  places: ReadonlyMap<string, number>,
): Promise<boolean> {
  if (places.size === 0) return false
  const chatIds = [...places.keys()].map((hex) => new ObjectId(hex))
  const members = await ctx.mongo.members.find({ userId, chatId: { $in: chatIds }, active: true }).toArray()
  const placeOf = (member: MemberDoc) => places.get(member.chatId.toHexString()) ?? 0
  const behind = members.filter((member) => member.deliveredSeq < placeOf(member))
  await Promise.all(behind.map((member) => moveMark(ctx, member, 'delivered', placeOf(member))))
  return behind.length > 0
}

/** Where each of the user's chats ends, by the log. */
export async function chatEnds(ctx: Ctx, userId: string): Promise<Map<string, number>> {
  const ends = await ctx.mongo.members
    .aggregate<{ chatId: ObjectId; seq?: number }>([
      { $match: { userId, active: true } },
      {
        $lookup: {
          from: ctx.mongo.messages.collectionName,
          localField: 'chatId',
          foreignField: 'chatId',
          pipeline: [{ $sort: { seq: -1 } }, { $limit: 1 }, { $project: { seq: 1 } }],
          as: 'last',
        },
      },
      { $project: { chatId: 1, seq: { $first: '$last.seq' } } },
    ])
    .toArray()
  return new Map(ends.map(({ chatId, seq }) => [chatId.toHexString(), seq ?? 0]))
}
