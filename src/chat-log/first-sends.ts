/** The messages that repeated sends repeat, found by what makes a send unique. */
import type { ObjectId } from 'mongodb'
import type { MessageDoc, Mongo } from '../stores/mongo.ts'
import type { Entry } from './lane.ts'

/** As far as a majority has them; one question for sends of any number of chats. */
export async function firstSends(mongo: Mongo, entries: Entry[]): Promise<Map<Entry, MessageDoc>> {
  const asked = new Map<string, { chatId: ObjectId; senderId: string; ids: string[] }>()
  for (const { draft } of entries) {
    const { chatId, senderId, clientMessageId } = draft
    if (clientMessageId === undefined) continue
    const key = `${chatId.toHexString()} ${senderId}`
    const of = asked.get(key) ?? { chatId, senderId, ids: [] }
    of.ids.push(clientMessageId)
    asked.set(key, of)
  }
  if (asked.size === 0) return new Map()
  const found = await mongo.log.messages
    .find({
      $or: [...asked.values()].map(({ chatId, senderId, ids }) => ({
        chatId,
        senderId,
        clientMessageId: { $in: ids },
      })),
    })
    .toArray()
  const byKey = new Map(found.map((doc) => [sendKey(doc), doc]))
  const firsts = new Map<Entry, MessageDoc>()
  for (const entry of entries) {
    const first = byKey.get(sendKey(entry.draft))
    if (first) firsts.set(entry, first)
  }
  return firsts
}

const sendKey = ({ chatId, senderId, clientMessageId }: Entry['draft']) =>
  `${chatId.toHexString()} ${senderId} ${clientMessageId}`
