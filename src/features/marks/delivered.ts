/** `delivered` from acknowledged cursors: what a device said it stored, chat by chat, each at its highest place. */
import { ObjectId } from 'mongodb'
import type { Ctx } from '../../context.ts'
import { moveMark } from './watermarks.ts'

/** Chats at a time when a device stored everything at once. */
const ALL_BATCH = 50

export async function markDelivered(
  ctx: Ctx,
  userId: string,
  places: ReadonlyMap<string, number>,
): Promise<void> {
  const chatIds = [...places.keys()].map((hex) => new ObjectId(hex))
  const members = await ctx.mongo.members.find({ userId, chatId: { $in: chatIds }, active: true }).toArray()
  await Promise.all(
    members.map((member) => moveMark(ctx, member, 'delivered', places.get(member.chatId.toHexString()) ?? 0)),
  )
}

/** After a reset the device has read every chat's end by itself; its acknowledgement covers them all. */
export async function markAllDelivered(ctx: Ctx, userId: string): Promise<void> {
  await ctx.chatLog.flushHeads()
  const members = await ctx.mongo.members.find({ userId, active: true }).toArray()
  for (let start = 0; start < members.length; start += ALL_BATCH) {
    const batch = members.slice(start, start + ALL_BATCH)
    const chats = await ctx.mongo.chats
      .find({ _id: { $in: batch.map((member) => member.chatId) } }, { projection: { lastSeq: 1 } })
      .toArray()
    const ends = new Map(chats.map((chat) => [chat._id.toHexString(), chat.lastSeq]))
    await Promise.all(
      batch.map((member) => moveMark(ctx, member, 'delivered', ends.get(member.chatId.toHexString()) ?? 0)),
    )
  }
}
