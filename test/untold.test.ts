import { MongoClient, type Db } from 'mongodb'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Link } from '../scripts/torture/world/link.ts'
import type { Weather } from '../scripts/torture/world/pair.ts'
import type { Chat, Marks, Message, User } from '../src/client/model.ts'
import { freePort } from './support/free-port.ts'
import { Phone } from './support/phone.ts'
import { ServerNode } from './support/server-node.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Each test starts nodes anew and waits for faults to heal.
vi.setConfig({ testTimeout: 90_000 })

/** What the promise allows where a node died between storing and telling, or Redis is away. */
const IN_TIME = { timeoutMs: 10_000 }
const BOTH_WAYS: Weather = { kind: 'stall', directions: ['up', 'down'] }

let world: World
let link: Link | null = null
let client: MongoClient | null = null
let bobsNode: ServerNode | null = null
const people: Phone[] = []
afterEach(async () => {
  await Promise.all(people.splice(0).map((phone) => phone.offline()))
  await bobsNode?.kill9()
  await world?.close()
  link?.close()
  await client?.close()
  link = client = bobsNode = null
})

/** Alice with a phone and, away for now, a tablet, and Bob's other device, at a sound node; Bob's phone at a node whose way to Redis can break. */
async function across() {
  world = await startWorld()
  link = new Link('redis', await freePort(), world.redis.port)
  await link.open()
  bobsNode = await ServerNode.create({ ...world.env, REDIS_URL: `redis://127.0.0.1:${link.port}` })
  await bobsNode.start()
  const [alice, bob] = await Promise.all([
    world.phone('alice'),
    Phone.register(bobsNode.url, 'bob', { autoAck: false }),
  ])
  people.push(bob)
  const chat = await alice.directWith(bob)
  await bob.waitFor('chat:created')
  const [tablet, other] = await Promise.all([alice.another(), bob.another({ url: alice.url })])
  people.push(tablet, other)
  await tablet.offline()
  return { alice, tablet, bob, other, chatId: chat.id, link }
}

async function database(): Promise<Db> {
  client ??= await MongoClient.connect(world.env['MONGODB_URL'] ?? '')
  return client.db()
}

/** Nothing is left to be told. */
async function expectSettled(): Promise<void> {
  const db = await database()
  for (const name of ['members', 'chats'])
    await until(
      `no note is left in ${name}`,
      async () => (await db.collection(name).countDocuments({ untold: { $exists: true } })) === 0,
      IN_TIME,
    )
}

const read = (phone: Phone, chatId: string, upTo: number): Promise<Marks> =>
  phone.client.post<Marks>(`/api/chats/${chatId}/read`, { upTo })

const isNamed = ({ data }: { data: Record<string, unknown> }): boolean =>
  (data['chat'] as Chat).name === 'renamed'

const isMuted = (chat: unknown): boolean => (chat as { settings: { muted: boolean } }).settings.muted

const statusOf = (phone: Phone, message: Message): string | null =>
  phone.store.messages(message.chatId).find(({ id }) => id === message.id)?.status ?? null

/** Comes back with its cursor. Fails where the server does not honour it. */
async function resume(phone: Phone): Promise<void> {
  await phone.online()
  expect(phone.eventsOf('sync:done')).toHaveLength(1)
  expect(phone.socket.listenerCount('caught-up')).toBe(0)
}

/** Does something at Bob's node, cut off from Redis, and kills the node once it is stored. */
async function dieUntold(act: () => Promise<unknown>, isStored: () => Promise<boolean>): Promise<void> {
  link?.set(BOTH_WAYS)
  const acting = act().catch(() => null)
  await until('it is stored', isStored, { intervalMs: 5 })
  await bobsNode?.kill9()
  await acting
}

describe('a node that dies between storing and telling', () => {
  test('a read mark reaches the sender’s live device, and one that resumes by its cursor', async () => {
    const { alice, tablet, bob, other, chatId } = await across()
    const message = await alice.send(chatId, 'hi')
    await bob.waitForText('hi')
    await until('the other device made it delivered', () => statusOf(alice, message) === 'delivered')
    const closed = vi.fn()
    alice.socket.on('close', closed)
    const seen = async (): Promise<boolean> =>
      (await alice.client.get<Message>(`/api/chats/${chatId}/messages/${message.id}`)).status === 'read'
    await dieUntold(() => read(bob, chatId, message.seq), seen)
    const frame = await alice.waitFor('message:read', ({ data }) => data['chatId'] === chatId, IN_TIME)
    expect(frame.data).toMatchObject({ userId: bob.userId, upToSeq: message.seq })
    expect(statusOf(alice, message)).toBe('read')
    await other.waitFor('message:read', ({ data }) => data['userId'] === bob.userId, IN_TIME)
    await resume(tablet)
    expect(statusOf(tablet, message)).toBe('read')
    // Bob's phone never heard an answer and asks again, elsewhere.
    bob.url = alice.url
    expect(await read(bob, chatId, message.seq)).toMatchObject({ readSeq: message.seq, unreadCount: 0 })
    expect(closed).not.toHaveBeenCalled()
    await expectSettled()
  })

  test('a delivery reaches the sender', async () => {
    const { alice, tablet, bob, other, chatId } = await across()
    await other.offline()
    // A connection's first acknowledgement may have to look at the stream.
    const first = await alice.send(chatId, 'first')
    await bob.waitForText('first')
    await bob.socket.acknowledge()
    await until('the first is delivered', () => statusOf(alice, first) === 'delivered')
    const message = await alice.send(chatId, 'hi')
    await bob.waitForText('hi')
    const delivered = async (): Promise<boolean> =>
      (await alice.client.get<Message>(`/api/chats/${chatId}/messages/${message.id}`)).status === 'delivered'
    expect(await delivered()).toBe(false)
    await dieUntold(() => bob.socket.acknowledge(), delivered)
    await until('the tick is there', () => statusOf(alice, message) === 'delivered', IN_TIME)
    await resume(tablet)
    expect(statusOf(tablet, message)).toBe('delivered')
    await expectSettled()
  })

  test('in a group each sender hears of the marks that passed his messages, and nobody else', async () => {
    const { alice, bob } = await across()
    const [carol, dora] = await world.phones('carol', 'dora')
    const group = await alice.groupWith([bob, carol, dora])
    const [first, second] = [await alice.send(group.id, 'one'), await carol.send(group.id, 'two')]
    await bob.waitForText('two')
    const readByBob = async (): Promise<boolean> => {
      const path = `/api/chats/${group.id}/messages/${second.id}/receipts`
      const receipts = await carol.client.get<{ read: { userId: string }[] }>(path)
      return receipts.read.some(({ userId }) => userId === bob.userId)
    }
    await dieUntold(() => read(bob, group.id, second.seq), readByBob)
    const bobs = ({ data }: { data: Record<string, unknown> }): boolean =>
      data['chatId'] === group.id && data['userId'] === bob.userId
    for (const phone of [alice, carol]) {
      const frame = await phone.waitFor('message:read', bobs, IN_TIME)
      expect(frame.data['upToSeq']).toBe(second.seq)
    }
    expect(second.seq).toBe(first.seq + 1)
    await expectSettled()
    expect(dora.eventsOf('message:read').filter(bobs)).toEqual([])
  })

  test('own settings, and that a chat is out of the list, reach one’s other devices', async () => {
    const { alice, bob, other, chatId } = await across()
    const path = `/api/chats/${chatId}`
    const muted = async (): Promise<boolean> => isMuted(await other.chat(chatId))
    await dieUntold(() => bob.client.put(`${path}/settings`, { muted: true }), muted)
    await other.waitFor('chat:updated', ({ data }) => isMuted(data['chat']), IN_TIME)
    link?.set({ kind: 'pass' })
    await bobsNode?.start()
    const gone = async (): Promise<boolean> => (await other.client.get<Chat[]>('/api/chats')).length === 0
    await dieUntold(() => bob.client.delete(path), gone)
    await other.waitFor('chat:deleted', ({ data }) => data['chatId'] === chatId, IN_TIME)
    expect(alice.eventsOf('chat:deleted')).toEqual([])
    await expectSettled()
  })

  test('a new direct chat is there for both, a group’s new name for all', async () => {
    const { alice, bob, other } = await across()
    const group = await bob.groupWith([alice])
    await alice.waitFor('chat:created', ({ data }) => (data['chat'] as Chat).id === group.id)
    const named = async (): Promise<boolean> => (await alice.chat(group.id)).name === 'renamed'
    await dieUntold(() => bob.client.patch(`/api/chats/${group.id}`, { name: 'renamed' }), named)
    await alice.waitFor('chat:updated', isNamed, IN_TIME)
    await other.waitFor('chat:updated', isNamed, IN_TIME)
    link?.set({ kind: 'pass' })
    await bobsNode?.start()
    const carol = await world.phone('carol')
    const withCarol = async (): Promise<boolean> =>
      (await carol.client.get<Chat[]>('/api/chats')).length === 1
    await dieUntold(() => bob.directWith(carol), withCarol)
    for (const phone of [carol, other])
      await phone.waitFor(
        'chat:created',
        ({ data }) => (data['chat'] as Chat).participants?.some((p) => p.userId === carol.userId) ?? false,
        IN_TIME,
      )
    await expectSettled()
  })
})

describe('an account', () => {
  test('changed, or with a session ended, by a node that dies: the other devices hear of both', async () => {
    const { bob, other } = await across()
    const me = async (): Promise<User> => await other.client.get<User>('/api/users/me')
    await dieUntold(
      () => bob.client.patch('/api/users/me', { fullName: 'Robert' }),
      async () => (await me()).fullName === 'Robert',
    )
    await other.waitFor('user:updated', ({ data }) => (data['user'] as User).fullName === 'Robert', IN_TIME)
    link?.set({ kind: 'pass' })
    await bobsNode?.start()
    type Session = { id: string; device: { id: string } }
    const sessions = async (): Promise<Session[]> => await other.client.get<Session[]>('/api/auth/sessions')
    const own = (await sessions()).find(({ device }) => device.id === bob.deviceId)
    await dieUntold(
      () => bob.client.post('/api/auth/logout', {}),
      async () => (await sessions()).length === 1,
    )
    await other.waitFor('session:ended', ({ data }) => data['sessionId'] === own?.id, IN_TIME)
  })
})

describe('without Redis', () => {
  test('a node’s link to it is cut and comes back: a receipt is there at once here, and in time elsewhere', async () => {
    const { alice, tablet, bob, other, chatId, link: cut } = await across()
    const message = await alice.send(chatId, 'hi')
    await bob.waitForText('hi')
    cut.refuse()
    cut.cut()
    await read(bob, chatId, message.seq)
    await bob.waitFor('message:read', ({ data }) => data['userId'] === bob.userId, { timeoutMs: 2_000 })
    await until('the tick is there', () => statusOf(alice, message) === 'read', IN_TIME)
    await other.waitFor('message:read', undefined, IN_TIME)
    await cut.heal()
    await resume(tablet)
    expect(statusOf(tablet, message)).toBe('read')
    await expectSettled()
  })

  test('it stands still: receipts cross nodes within ten seconds; then the streams get them', async () => {
    const { alice, tablet, bob, chatId } = await across()
    const message = await alice.send(chatId, 'hi')
    await bob.waitForText('hi')
    world.redis.sigstop()
    await read(bob, chatId, message.seq)
    await until('the tick is there', () => statusOf(alice, message) === 'read', IN_TIME)
    const db = await database()
    expect(await db.collection('members').countDocuments({ 'untold.read': 0 })).toBe(1)
    world.redis.sigcont()
    await expectSettled()
    await resume(tablet)
    expect(statusOf(tablet, message)).toBe('read')
  })

  test('it stands still and the node that stored the receipt dies: two faults at once', async () => {
    const { alice, tablet, bob, chatId } = await across()
    const message = await alice.send(chatId, 'hi')
    await bob.waitForText('hi')
    world.redis.sigstop()
    const seen = async (): Promise<boolean> =>
      (await alice.client.get<Message>(`/api/chats/${chatId}/messages/${message.id}`)).status === 'read'
    await dieUntold(() => read(bob, chatId, message.seq), seen)
    await until('the tick is there', () => statusOf(alice, message) === 'read', IN_TIME)
    world.redis.sigcont()
    await expectSettled()
    await resume(tablet)
    expect(statusOf(tablet, message)).toBe('read')
  })
})

test('what is untold is found by an index, and receipts that were told leave none', async () => {
  const { alice, bob, chatId } = await across()
  for (let i = 0; i < 5; i += 1) {
    const { seq } = await alice.send(chatId, `m${i}`)
    await read(bob, chatId, seq)
  }
  await expectSettled()
  const db = await database()
  for (const name of ['members', 'chats']) {
    const plan = await db
      .collection(name)
      .find({ 'untold.at': { $gte: new Date(0), $lt: new Date() } })
      .sort({ 'untold.at': 1 })
      .explain('executionStats')
    expect(JSON.stringify(plan['queryPlanner'])).toContain('"indexName":"idx_untold_at"')
    expect((plan['executionStats'] as { totalDocsExamined: number }).totalDocsExamined).toBe(0)
  }
})
