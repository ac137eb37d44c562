import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Changes, Chat, Message, User } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
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

const block = (blocker: Phone, blocked: Phone): Promise<unknown> =>
  blocker.client.post(`/api/users/${blocked.userId}/block`, {})

const unblock = (blocker: Phone, blocked: Phone): Promise<unknown> =>
  blocker.client.delete(`/api/users/${blocked.userId}/block`)

/** Erin blocks the troll after a first message of his; what he sends from then on is 'nasty'. */
async function blockedPair(): Promise<{ erin: Phone; troll: Phone; chat: Chat }> {
  const [erin, troll] = await world.phones('erin', 'troll')
  const chat = await erin.directWith(troll)
  await troll.send(chat.id, 'nice')
  await erin.waitForText('nice')
  await block(erin, troll)
  return { erin, troll, chat }
}

const getMessage = (phone: Phone, { chatId, id }: Message): Promise<Message> =>
  phone.client.get<Message>(`/api/chats/${chatId}/messages/${id}`)

/** Everything that came to a phone or that it can fetch of a chat, as text. */
async function allOf(phone: Phone, chatId: string): Promise<string> {
  const answers = await Promise.all([
    phone.client.get<Chat>(`/api/chats/${chatId}`),
    phone.client.get<Chat[]>('/api/chats'),
    phone.client.get<Message[]>(`/api/chats/${chatId}/messages`, { after: 0 }),
    phone.client.get<Changes>(`/api/chats/${chatId}/changes`, { since: 0 }),
  ])
  return JSON.stringify([phone.frames, answers])
}

describe('a blocked sender', () => {
  test('is told nothing; the blocker gets a void on that place, also after unblocking', async () => {
    const [erin, troll] = await world.phones('erin', 'troll')
    const fresh = await erin.directWith(troll)
    await troll.send(fresh.id, 'nice')
    await erin.waitForText('nice')
    await erin.client.post(`/api/users/${troll.userId}/block`, {})
    const sent = await troll.send(fresh.id, 'nasty')
    expect(sent).toMatchObject({ status: 'sent', seq: 2, content: 'nasty' })
    await erin.send(fresh.id, 'still dense')
    const history = await erin.client.get<Message[]>(`/api/chats/${fresh.id}/messages`, { after: 0 })
    expect(history.map((message) => [message.seq, message.type])).toEqual([
      [1, 'text'],
      [2, 'void'],
      [3, 'text'],
    ])
    expect(history[1]).toMatchObject({ content: null, senderId: null, id: sent.id })
    expect((await erin.chat(fresh.id)).unreadCount).toBe(1)
    await erin.client.delete(`/api/users/${troll.userId}/block`)
    const after = await erin.client.get<Message[]>(`/api/chats/${fresh.id}/messages`, { after: 0 })
    expect(after[1]).toMatchObject({ type: 'void', content: null })
    expect(JSON.stringify(erin.frames)).not.toContain('nasty')
    expect((await troll.client.get<Message>(`/api/chats/${fresh.id}/messages/${sent.id}`)).status).toBe(
      'sent',
    )
  })

  test('blocking and unblocking twice is a success without effect', async () => {
    const [erin, troll] = await world.phones('erin', 'troll')
    const path = `/api/users/${troll.userId}/block`
    for (const method of ['POST', 'POST', 'DELETE', 'DELETE']) {
      const { status } = await erin.client.request(method, path)
      expect(status).toBeLessThan(300)
    }
    const chat = await erin.directWith(troll)
    await troll.send(chat.id, 'friends again')
    await erin.waitForText('friends again')
    await expectConverged(erin)
  })
})

describe('a place that is withheld', () => {
  test('is pushed and listed as void on every way to it, and never counts', async () => {
    const { erin, troll, chat } = await blockedPair()
    const cursor = erin.store.cursor ?? ''
    // A count that is kept already must not be raised.
    expect((await erin.chat(chat.id)).unreadCount).toBe(1)
    const sent = await troll.send(chat.id, 'nasty')
    const frame = await erin.waitFor('message:received', ({ data }) => data.message?.seq === 2)
    const { id, chatId, seq, rev, createdAt } = sent
    const empty = Object.fromEntries(
      Object.entries(frame.data.message ?? {}).filter(
        ([, value]) => value !== null && value !== false && JSON.stringify(value) !== '[]',
      ),
    )
    expect(empty).toEqual({ id, chatId, seq, rev, type: 'void', createdAt })
    const after = await erin.chat(chat.id)
    expect(after).toMatchObject({ lastSeq: 2, unreadCount: 1 })
    expect(after.lastMessage).toMatchObject({ seq: 2, type: 'void', senderId: null, preview: null })
    expect(await getMessage(erin, sent)).toEqual(frame.data.message)
    const changes = await erin.client.get<Changes>(`/api/chats/${chat.id}/changes`, { since: 1 })
    expect(changes.messages).toEqual([frame.data.message])
    const sync = await erin.client.get('/api/sync', { cursor })
    expect(JSON.stringify(sync)).toContain('"void"')
    expect(JSON.stringify(sync)).not.toContain('nasty')
    expect(await allOf(erin, chat.id)).not.toContain('nasty')
    const [listed] = await erin.client.get<Chat[]>('/api/chats')
    expect(listed).toMatchObject({ id: chat.id, unreadCount: 1 })
    await expectConverged(erin, troll)
  })

  test('stays away from a device that was not there, and from a new one', async () => {
    const { erin, troll, chat } = await blockedPair()
    await erin.offline()
    await troll.send(chat.id, 'nasty')
    await unblock(erin, troll)
    await troll.send(chat.id, 'sorry')
    await erin.online()
    await erin.waitForText('sorry')
    const tablet = await erin.another()
    for (const device of [erin, tablet]) {
      await expectConverged(device)
      expect(device.store.messages(chat.id).map(({ type }) => type)).toEqual(['text', 'void', 'text'])
      expect(await allOf(device, chat.id)).not.toContain('nasty')
    }
    expect((await erin.chat(chat.id)).unreadCount).toBe(2)
  })

  test('stays sent for its sender, whatever the blocker stores and reads', async () => {
    const { erin, troll, chat } = await blockedPair()
    const from = troll.frames.length
    const nasty = await troll.send(chat.id, 'nasty')
    await erin.waitFor('message:received', ({ data }) => data.message?.seq === 2)
    await erin.client.post(`/api/chats/${chat.id}/read`, { upTo: 2 })
    expect((await erin.chat(chat.id)).unreadCount).toBe(0)
    const notes = await troll.directWith(troll)
    await troll.post(notes.id, 'fence')
    await troll.waitForText('fence')
    await unblock(erin, troll)
    expect(troll.eventsOf('message:delivered', from)).toEqual([])
    expect(troll.eventsOf('message:read', from)).toEqual([])
    const sorry = await troll.send(chat.id, 'sorry')
    await erin.waitForText('sorry')
    await erin.client.post(`/api/chats/${chat.id}/read`, { upTo: 3 })
    await troll.waitFor('message:read', ({ data }) => data['upToSeq'] === 3)
    expect((await getMessage(troll, sorry)).status).toBe('read')
    expect((await getMessage(troll, nasty)).status).toBe('sent')
    expect(await troll.client.get(`/api/chats/${chat.id}/messages/${nasty.id}/receipts`)).toEqual({
      delivered: [],
      read: [],
    })
  })

  test('is not shown by a quote of it either', async () => {
    const { erin, troll, chat } = await blockedPair()
    const nasty = await troll.send(chat.id, 'nasty')
    await unblock(erin, troll)
    const reply = await troll.send(chat.id, 'as I said', { replyToId: nasty.id })
    expect(reply.replyTo).toMatchObject({ id: nasty.id, preview: 'nasty' })
    expect((await erin.waitForText('as I said')).replyTo).toBeNull()
    expect((await getMessage(erin, reply)).replyTo).toBeNull()
    expect(await allOf(erin, chat.id)).not.toContain('nasty')
    await expect(erin.send(chat.id, 'what?', { replyToId: nasty.id })).rejects.toMatchObject({
      code: 'RESOURCE_NOT_FOUND',
    })
  })

  test('keeps the order dense while blocks come and go in the middle of a conversation', async () => {
    const { erin, troll, chat } = await blockedPair()
    const sends: Promise<Message>[] = []
    for (let round = 0; round < 6; round += 1) {
      const tag = round % 2 === 0 ? 'nasty' : 'good'
      for (let i = 0; i < 5; i += 1) sends.push(troll.send(chat.id, `${tag}${round}.${i}`))
      await Promise.all([...sends, erin.send(chat.id, `erin${round}`)])
      await (round % 2 === 0 ? unblock : block)(erin, troll)
    }
    await until('erin has all of it', () => erin.store.messages(chat.id).length === 37)
    await expectConverged(erin, troll)
    const types = erin.store.messages(chat.id).map(({ type }) => type)
    expect(types.filter((type) => type === 'void')).toHaveLength(15)
    expect(await allOf(erin, chat.id)).not.toContain('nasty')
    expect((await erin.chat(chat.id)).unreadCount).toBe(16)
    expect(troll.store.messages(chat.id).filter(({ type }) => type === 'void')).toEqual([])
  })

  test('in a chat that the blocked one begins comes without news of the chat', async () => {
    const [erin, troll] = await world.phones('erin', 'troll')
    await block(erin, troll)
    const chat = await troll.directWith(erin)
    expect(await erin.client.get<Chat[]>('/api/chats')).toEqual([])
    await troll.send(chat.id, 'nasty')
    await erin.waitFor('message:received', ({ data }) => data.message?.type === 'void')
    expect(JSON.stringify(erin.frames)).not.toContain(troll.userId)
    await expectConverged(erin)
  })
})

describe('the list of blocked people', () => {
  test('shows them newest first, page by page', async () => {
    const [erin, ...trolls] = await world.phones('erin', 'one', 'two', 'three')
    for (const troll of trolls) await block(erin, troll)
    const { data, pagination } = await erin.client.request<User[]>('GET', '/api/users/blocked', {
      query: { limit: 2 },
    })
    expect(data.map(({ fullName }) => fullName)).toEqual(['three', 'two'])
    expect(data[0]).toMatchObject({ isOnline: null, lastSeen: null })
    expect(pagination).toMatchObject({ limit: 2, hasMore: true })
    const all = await erin.client.all<User>('/api/users/blocked', { limit: 2 })
    expect(all.map(({ id }) => id)).toEqual(trolls.map(({ userId }) => userId).toReversed())
    const [one] = trolls
    await unblock(erin, one)
    const left = await erin.client.get<User[]>('/api/users/blocked')
    expect(left.map(({ fullName }) => fullName)).toEqual(['three', 'two'])
    expect(await one.client.get('/api/users/blocked')).toEqual([])
  })

  test.each([
    ['oneself', (erin: Phone) => erin.userId, 400, 'VALIDATION_ERROR'],
    ['nobody', () => '00000000-0000-4000-8000-000000000000', 404, 'RESOURCE_NOT_FOUND'],
    ['what is no id', () => 'somebody', 404, 'RESOURCE_NOT_FOUND'],
  ] as const)('blocking %s is refused', async (_, idOf, status, code) => {
    const erin = await world.phone('erin')
    for (const method of ['POST', 'DELETE'])
      await expect(erin.client.request(method, `/api/users/${idOf(erin)}/block`)).rejects.toMatchObject({
        status,
        code,
      })
  })
})

const profile = (viewer: Phone, seen: Phone): Promise<Record<string, unknown>> =>
  viewer.client.get(`/api/users/${seen.userId}`)

const watch = (phone: Phone, other: Phone): Promise<unknown> =>
  phone.socket.request('presence:subscribe', { userIds: [other.userId] })

const nothing = (other: Phone): unknown => ({
  users: [{ userId: other.userId, isOnline: false, lastSeen: null }],
})

describe('between the two', () => {
  test('neither sees the presence of the other, and the blocked one no picture', async () => {
    const { erin, troll } = await blockedPair()
    await erin.client.patch('/api/users/me', { profilePictureUrl: 'https://pictures.example/erin.jpg' })
    const hidden = { isOnline: null, lastSeen: null, profilePictureUrl: null }
    expect(await profile(troll, erin)).toMatchObject({ fullName: 'erin', ...hidden })
    expect(await profile(erin, troll)).toMatchObject({ isOnline: null, lastSeen: null })
    const found = await troll.client.get<User[]>('/api/users/search', { query: erin.phoneNumber })
    expect(found).toMatchObject([hidden])
    await unblock(erin, troll)
    const shown = await profile(troll, erin)
    expect(shown['profilePictureUrl']).toBe('https://pictures.example/erin.jpg')
    expect(shown['lastSeen']).toEqual(expect.any(String))
  })

  test('neither hears the other come, go or type', async () => {
    const { erin, troll, chat } = await blockedPair()
    expect(await watch(troll, erin)).toEqual(nothing(erin))
    expect(await watch(erin, troll)).toEqual(nothing(troll))
    for (const phone of [erin, troll]) {
      await phone.socket.request('message:typing', { chatId: chat.id })
      await phone.socket.request('user:offline', {})
      await phone.socket.request('user:online', {})
    }
    for (const phone of [erin, troll]) {
      const notes = await phone.directWith(phone)
      await phone.post(notes.id, 'fence')
      await phone.waitForText('fence')
      for (const event of ['user:online', 'user:offline', 'message:typing'])
        expect(phone.eventsOf(event)).toEqual([])
    }
  })

  test('a group goes on as before, but the blocked one adds nobody who blocks him', async () => {
    const { erin, troll } = await blockedPair()
    const common = await erin.groupWith([troll])
    await troll.waitFor('chat:created', ({ data }) => (data['chat'] as Chat).id === common.id)
    await troll.send(common.id, 'hello all')
    await erin.waitForText('hello all')
    const refusal = { code: 'PERMISSION_DENIED', details: [{ path: erin.userId }] }
    await expect(troll.groupWith([erin])).rejects.toMatchObject(refusal)
    const friend = await world.phone('friend')
    const group = await troll.groupWith([friend])
    const add = (): Promise<unknown> =>
      troll.client.post(`/api/chats/${group.id}/participants`, { userIds: [erin.userId] })
    await expect(add()).rejects.toMatchObject(refusal)
    await unblock(erin, troll)
    await add()
    await erin.waitFor('chat:created', ({ data }) => (data['chat'] as Chat).id === group.id)
  })
})
