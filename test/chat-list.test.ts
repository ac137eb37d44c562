import { MongoClient, ObjectId, type Document } from 'mongodb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Chat } from '../src/client/model.ts'
import { startWorld, type World } from './support/world.ts'

// Thousands of chats are put into the database.
vi.setConfig({ testTimeout: 60_000 })

let world: World
let mongo: MongoClient
beforeAll(async () => {
  world = await startWorld()
  mongo = await MongoClient.connect(world.env['MONGODB_URL'] ?? '')
})
afterAll(async () => {
  await mongo?.close()
  await world?.close()
})

type Page = { data: Chat[]; meta: { pagination: { hasMore: boolean; nextCursor: string | null } } }

test('a filter that passes over thousands of chats still finds the last one, page by page', async () => {
  const alice = await world.phone('alice')
  const old = await alice.groupWith([], 'the oldest')
  await alice.client.put(`/api/chats/${old.id}/settings`, { archived: true })
  await putChatsAbove('the oldest', 2300)
  const found: string[] = []
  const token = await alice.client.accessToken()
  let cursor = ''
  for (let pages = 0; ; pages += 1) {
    expect(pages).toBeLessThan(5)
    const answer = await fetch(`${world.url}/api/chats?archived=true${cursor}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { data, meta } = (await answer.json()) as Page
    found.push(...data.map((chat) => chat.id))
    if (!meta.pagination.hasMore) break
    cursor = `&cursor=${meta.pagination.nextCursor}`
  }
  expect(found).toEqual([old.id])
})

/** Groups like that one, each a little newer and none of them archived. */
async function putChatsAbove(name: string, count: number): Promise<void> {
  const chats = mongo.db().collection('chats')
  const members = mongo.db().collection('members')
  const chat = (await chats.findOne({ name })) as Document
  const member = (await members.findOne({ chatId: chat['_id'] as ObjectId })) as Document
  const copies = Array.from({ length: count }, (_, i) => ({
    ...chat,
    _id: new ObjectId(),
    name: `newer ${i}`,
    lastMessageAt: new Date((chat['lastMessageAt'] as Date).getTime() + 1000 + i),
  }))
  await chats.insertMany(copies)
  await members.insertMany(
    copies.map(({ _id }) => ({
      ...member,
      _id: new ObjectId(),
      chatId: _id,
      settings: { ...(member['settings'] as Document), archived: false },
    })),
  )
}
