import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Chat, Marks, Message } from '../src/client/model.ts'
import { ApiError } from '../src/client/api-error.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.close()
})

async function pair(): Promise<{ alice: Phone; bob: Phone; chat: Chat }> {
  const [alice, bob] = await world.phones('alice', 'bob')
  return { alice, bob, chat: await alice.directWith(bob) }
}

const unread = async (phone: Phone, chat: Chat): Promise<number> => (await phone.chat(chat.id)).unreadCount

const statusOf = async (phone: Phone, message: Message): Promise<string | null> =>
  (await phone.client.get<Message>(`/api/chats/${message.chatId}/messages/${message.id}`)).status

const read = (phone: Phone, chat: Chat, upTo: number | string): Promise<Marks> =>
  phone.client.post<Marks>(`/api/chats/${chat.id}/read`, { upTo })

type Receipts = { delivered: { userId: string; at: string }[]; read: { userId: string; at: string }[] }
const receiptsOf = (phone: Phone, message: Message): Promise<Receipts> =>
  phone.client.get<Receipts>(`/api/chats/${message.chatId}/messages/${message.id}/receipts`)

describe('ticks', () => {
  test('sent, then delivered when the other device stored it, then read', async () => {
    const alice = await world.phone('alice')
    const bob = await world.phone('bob', { autoAck: false })
    const chat = await alice.directWith(bob)
    const message = await alice.send(chat.id, 'hi')
    expect(message.status).toBe('sent')
    await bob.waitForText('hi')
    expect(await statusOf(alice, message)).toBe('sent')
    await bob.socket.acknowledge()
    const delivered = await alice.waitFor('message:delivered', (frame) => frame.data['chatId'] === chat.id)
    expect(delivered.data).toMatchObject({ userId: bob.userId, upToSeq: message.seq })
    expect(await statusOf(alice, message)).toBe('delivered')
    const marks = await read(bob, chat, message.id)
    expect(marks).toEqual({ chatId: chat.id, readSeq: 1, deliveredSeq: 1, unreadCount: 0 })
    const seen = await alice.waitFor('message:read', (frame) => frame.data['chatId'] === chat.id)
    expect(seen.data).toMatchObject({ userId: bob.userId, upToSeq: message.seq })
    expect(await statusOf(alice, message)).toBe('read')
  })

  test('reading implies that it was delivered, and the receipts name who and when', async () => {
    const { alice, bob, chat } = await pair()
    await bob.offline()
    const message = await alice.send(chat.id, 'hi')
    expect(await read(bob, chat, 1)).toMatchObject({ readSeq: 1, deliveredSeq: 1 })
    const receipts = await receiptsOf(alice, message)
    expect(receipts.read.map((receipt) => receipt.userId)).toEqual([bob.userId])
    expect(receipts.delivered.map((receipt) => receipt.userId)).toEqual([bob.userId])
    expect(receipts.read[0]?.at).toMatch(/Z$/)
  })

  test('one reads for all of the own devices, and is not told about oneself', async () => {
    const { alice, bob, chat } = await pair()
    const tablet = await bob.another()
    await alice.send(chat.id, 'hi')
    await bob.waitForText('hi')
    await read(bob, chat, 1)
    await tablet.waitFor('message:read', (frame) => frame.data['userId'] === bob.userId)
    expect(await unread(tablet, chat)).toBe(0)
    await alice.waitFor('message:read')
    const aboutHimself = bob.eventsOf('message:delivered').filter((f) => f.data['userId'] === bob.userId)
    expect(aboutHimself).toEqual([])
  })

  test('over the socket the mark moves as over REST', async () => {
    const { alice, bob, chat } = await pair()
    await alice.send(chat.id, 'hi')
    await bob.waitForText('hi')
    const marks = await bob.socket.request('message:read', { chatId: chat.id, upTo: 1 })
    expect(marks).toEqual({ chatId: chat.id, readSeq: 1, deliveredSeq: 1, unreadCount: 0 })
  })

  test('in a group the status is the least of all', async () => {
    const [alice, bob, carol] = await world.phones('alice', 'bob', 'carol')
    const group = await alice.groupWith([bob, carol])
    const message = await alice.send(group.id, 'hi all')
    await read(bob, group, message.seq)
    await carol.waitForText('hi all')
    await until('delivered to all', async () => (await statusOf(alice, message)) === 'delivered')
    await read(carol, group, message.seq)
    await until('read by all', async () => (await statusOf(alice, message)) === 'read')
  })

  test('who turned read receipts off neither gives nor gets them in a direct chat', async () => {
    const { alice, bob, chat } = await pair()
    await bob.client.put('/api/users/me/privacy', { readReceipts: false })
    const message = await alice.send(chat.id, 'hi')
    const answer = await bob.send(chat.id, 'hello')
    await alice.waitForText('hello')
    expect((await read(bob, chat, message.seq)).unreadCount).toBe(0)
    await read(alice, chat, answer.seq)
    // An event that must come marks the end of the wait for those that must not.
    await alice.send(chat.id, 'fence')
    await bob.waitForText('fence')
    await bob.send(chat.id, 'fence back')
    await alice.waitForText('fence back')
    const aboutBob = alice.eventsOf('message:read').filter((f) => f.data['userId'] === bob.userId)
    const aboutAlice = bob.eventsOf('message:read').filter((f) => f.data['userId'] === alice.userId)
    expect([aboutBob, aboutAlice]).toEqual([[], []])
    await until('it is delivered', async () => (await statusOf(alice, message)) === 'delivered')
    expect((await receiptsOf(alice, message)).read).toEqual([])
  })
})

describe('marks', () => {
  test('only move forward, and no further than the head', async () => {
    const { alice, bob, chat } = await pair()
    for (let i = 0; i < 5; i += 1) await alice.send(chat.id, `m${i}`)
    expect(await read(bob, chat, 4)).toMatchObject({ readSeq: 4, unreadCount: 1 })
    expect(await read(bob, chat, 2)).toMatchObject({ readSeq: 4, unreadCount: 1 })
    expect(await read(bob, chat, 1_000)).toMatchObject({ readSeq: 5, unreadCount: 0 })
    await alice.send(chat.id, 'one more')
    expect(await unread(bob, chat)).toBe(1)
  })

  test('moved by many at once they end at the highest', async () => {
    const { alice, bob, chat } = await pair()
    for (let i = 0; i < 10; i += 1) await alice.send(chat.id, `m${i}`)
    await Promise.all([3, 9, 1, 7, 5, 8, 2, 6].map((upTo) => read(bob, chat, upTo)))
    expect(await bob.chat(chat.id)).toMatchObject({ readSeq: 9, unreadCount: 1 })
  })

  test.each([-1, 1.5, 'msg_AAAA', null])('up to %s is refused', async (upTo) => {
    const { bob, chat } = await pair()
    const error = await read(bob, chat, upTo as number).catch((err: unknown) => err)
    expect(error).toBeInstanceOf(ApiError)
    expect([400, 404]).toContain((error as ApiError).status)
  })
})

describe('unread', () => {
  test('counts what others wrote above the mark, and nothing of one’s own', async () => {
    const { alice, bob, chat } = await pair()
    for (let i = 0; i < 3; i += 1) await alice.send(chat.id, `a${i}`)
    await bob.send(chat.id, 'b0')
    expect(await unread(bob, chat)).toBe(3)
    expect(await unread(alice, chat)).toBe(1)
    expect((await bob.chat(chat.id)).readSeq).toBe(0)
  })

  test('is the same in the list, in the chat and after Redis lost everything', async () => {
    const { alice, bob, chat } = await pair()
    const inList = async (): Promise<number | undefined> =>
      (await bob.client.get<Chat[]>('/api/chats')).find((item) => item.id === chat.id)?.unreadCount
    for (let i = 0; i < 7; i += 1) await alice.send(chat.id, `m${i}`)
    await read(bob, chat, 2)
    expect([await unread(bob, chat), await inList()]).toEqual([5, 5])
    await world.redis.flush()
    expect([await unread(bob, chat), await inList()]).toEqual([5, 5])
    await alice.send(chat.id, 'after the flush')
    expect([await unread(bob, chat), await inList()]).toEqual([6, 6])
    await read(bob, chat, 8)
    await world.redis.flush()
    expect([await unread(bob, chat), await inList()]).toEqual([0, 0])
  })

  test('a retried message counts once', async () => {
    const { alice, bob, chat } = await pair()
    const body = { clientMessageId: 'same', content: 'once' }
    await Promise.all(
      Array.from({ length: 10 }, () => alice.client.post(`/api/chats/${chat.id}/messages`, body)),
    )
    expect(await unread(bob, chat)).toBe(1)
  })

  test('a deleted message counts no more, wherever the mark stands', async () => {
    const { alice, bob, chat } = await pair()
    const messages = [await alice.send(chat.id, 'one'), await alice.send(chat.id, 'two')]
    await alice.send(chat.id, 'three')
    const path = (i: number): string => `/api/chats/${chat.id}/messages/${messages[i]?.id}`
    await alice.client.delete(path(0), { forEveryone: true })
    expect(await unread(bob, chat)).toBe(2)
    await world.redis.flush()
    expect(await unread(bob, chat)).toBe(2)
    await bob.client.delete(path(1))
    expect(await unread(bob, chat)).toBe(1)
    expect(await unread(alice, chat)).toBe(0)
  })

  test('is exact while twenty messages arrive and marks move at once', async () => {
    const { alice, bob, chat } = await pair()
    const sends = Array.from({ length: 20 }, (_, i) => alice.send(chat.id, `m${i}`))
    const reads = [2, 5, 7].map((upTo) => read(bob, chat, upTo))
    await Promise.all([...sends, ...reads])
    const { readSeq, unreadCount } = await bob.chat(chat.id)
    expect(unreadCount).toBe(20 - readSeq)
    await world.redis.flush()
    expect(await unread(bob, chat)).toBe(20 - readSeq)
  })

  test('system messages of a group do not count', async () => {
    const [alice, bob, carol] = await world.phones('alice', 'bob', 'carol')
    const group = await alice.groupWith([bob])
    await alice.client.post(`/api/chats/${group.id}/participants`, { userIds: [carol.userId] })
    await alice.client.patch(`/api/chats/${group.id}`, { name: 'renamed' })
    expect([await unread(bob, group), await unread(carol, group)]).toEqual([0, 0])
    await alice.send(group.id, 'real')
    expect([await unread(bob, group), await unread(carol, group)]).toEqual([1, 1])
  })
})
