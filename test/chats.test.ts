import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Chat, Message } from '../src/client/model.ts'
import { ApiError } from '../src/client/api-error.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
let alice: Phone
let bob: Phone
let carol: Phone
let dave: Phone
beforeAll(async () => {
  world = await startWorld()
  ;[alice, bob, carol, dave] = await world.phones('alice', 'bob', 'carol', 'dave')
})
afterAll(async () => {
  await world?.close()
})

async function refusal(attempt: Promise<unknown>): Promise<[number, string]> {
  const error = await attempt.then(
    () => null,
    (err: unknown) => err,
  )
  if (!(error instanceof ApiError)) throw new Error('it was not refused', { cause: error })
  return [error.status, error.code]
}

const open = (actor: Phone, other: Phone) =>
  actor.client.request<Chat>('POST', '/api/chats', {
    body: { type: 'direct', participantIds: [other.userId] },
  })

const outside = (err: unknown): unknown[] => {
  const { status, code, message, details } = err as ApiError
  return [status, code, message, details]
}

const NOT_THERE: [number, string] = [404, 'RESOURCE_NOT_FOUND']
const FORBIDDEN: [number, string] = [403, 'PERMISSION_DENIED']

const roleOf = async (viewer: Phone, chat: Chat, person: Phone): Promise<string | undefined> =>
  (await viewer.chat(chat.id)).participants?.find((member) => member.userId === person.userId)?.role

const setRole = (actor: Phone, chat: Chat, person: Phone, role: string): Promise<unknown> =>
  actor.client.put(`/api/chats/${chat.id}/participants/${person.userId}/role`, { role })

const add = (actor: Phone, chat: Chat, ...people: Phone[]): Promise<unknown> =>
  actor.client.post(`/api/chats/${chat.id}/participants`, { userIds: people.map((person) => person.userId) })

const remove = (actor: Phone, chat: Chat, person: Phone): Promise<unknown> =>
  actor.client.delete(`/api/chats/${chat.id}/participants/${person.userId}`)

describe('a direct chat', () => {
  test('exists once: the second call answers 200 with the first, from either side', async () => {
    const [erin, frank] = await world.phones('erin', 'frank')
    const first = await open(erin, frank)
    const second = await open(erin, frank)
    const third = await open(frank, erin)
    expect([first.status, second.status, third.status]).toEqual([201, 200, 200])
    expect(new Set([first.data.id, second.data.id, third.data.id]).size).toBe(1)
    expect(first.data).toMatchObject({
      type: 'direct',
      name: null,
      lastSeq: 0,
      unreadCount: 0,
      myRole: 'member',
    })
    expect(first.data.id).toMatch(/^chat_[A-Za-z0-9_-]{1,35}$/)
  })

  test('made ten times at once from both sides is still one', async () => {
    const [erin, frank] = await world.phones('erin', 'frank')
    const tries = Array.from({ length: 10 }, (_, i) =>
      i % 2 === 0 ? erin.directWith(frank) : frank.directWith(erin),
    )
    expect(new Set((await Promise.all(tries)).map((chat) => chat.id)).size).toBe(1)
  })

  test('with oneself is a notes chat', async () => {
    const notes = await alice.directWith(alice)
    expect(notes).toMatchObject({ type: 'direct', participantCount: 1 })
    const message = await alice.send(notes.id, 'remember the milk')
    expect(message.seq).toBe(1)
    expect((await alice.chat(notes.id)).unreadCount).toBe(0)
  })

  test('with nobody known is refused', async () => {
    const body = { type: 'direct', participantIds: [randomUUID()] }
    const [status] = await refusal(alice.client.post('/api/chats', body))
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  })

  test('hidden by one side comes back with the next message', async () => {
    const [erin, frank] = await world.phones('erin', 'frank')
    const chat = await erin.directWith(frank)
    await erin.send(chat.id, 'one')
    await frank.client.delete(`/api/chats/${chat.id}`)
    const listed = async (): Promise<boolean> =>
      (await frank.client.all<Chat>('/api/chats')).some((item) => item.id === chat.id)
    expect(await listed()).toBe(false)
    await erin.send(chat.id, 'two')
    await until('the chat is back', listed)
  })
})

describe('a group', () => {
  test('starts with a system message, its maker as owner, and tells everyone', async () => {
    const group = await alice.groupWith([bob, carol], 'tea')
    expect(group).toMatchObject({
      type: 'group',
      name: 'tea',
      myRole: 'owner',
      participantCount: 3,
      lastSeq: 1,
    })
    const created = await bob.waitFor('chat:created', (frame) => (frame.data['chat'] as Chat).id === group.id)
    expect(created.data['chat']).toMatchObject({ name: 'tea', myRole: 'member' })
    const [first] = await bob.client.get<Message[]>(`/api/chats/${group.id}/messages`)
    expect(first).toMatchObject({ seq: 1, type: 'system', senderId: alice.userId })
    expect(first?.system?.kind).toBe('group_created')
    expect((await bob.chat(group.id)).unreadCount).toBe(0)
  })

  test.each([
    ['without a name', { type: 'group', participantIds: [] }, 'name'],
    ['with an empty name', { type: 'group', name: '', participantIds: [] }, 'name'],
    ['with a name of 101', { type: 'group', name: 'x'.repeat(101), participantIds: [] }, 'name'],
    ['of no known type', { type: 'circle', name: 'x', participantIds: [] }, 'type'],
    ['with a role in the body', { type: 'group', name: 'x', participantIds: [], myRole: 'owner' }, 'myRole'],
  ])('%s is refused', async (_what, body, path) => {
    const error = await alice.client.post('/api/chats', body).catch((err: unknown) => err)
    expect(error).toBeInstanceOf(ApiError)
    expect((error as ApiError).status).toBe(400)
    expect((error as ApiError).details?.map((detail) => detail.path)).toContain(path)
  })

  test('holds at most 256', async () => {
    const participantIds = Array.from({ length: 256 }, () => randomUUID())
    const [status] = await refusal(
      alice.client.post('/api/chats', { type: 'group', name: 'big', participantIds }),
    )
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
  })

  test('is not there for a stranger, on any path', async () => {
    const group = await alice.groupWith([bob])
    const message = await alice.send(group.id, 'ours')
    const base = `/api/chats/${group.id}`
    const { client } = dave
    const attempts: Promise<unknown>[] = [
      client.get(base),
      client.patch(base, { name: 'mine' }),
      client.delete(base),
      client.get(`${base}/messages`),
      client.get(`${base}/changes`, { since: 0 }),
      client.get(`${base}/participants`),
      client.get(`${base}/messages/${message.id}`),
      client.get(`${base}/messages/${message.id}/receipts`),
      client.post(`${base}/messages`, { clientMessageId: 'a', content: 'hi' }),
      client.patch(`${base}/messages/${message.id}`, { content: 'changed' }),
      client.delete(`${base}/messages/${message.id}`),
      client.post(`${base}/messages/${message.id}/reactions`, { emoji: '👍' }),
      client.post(`${base}/read`, { upTo: 1 }),
      client.post(`${base}/participants`, { userIds: [dave.userId] }),
      client.get(`${base}/pins`),
    ]
    // All at once: a refusal that nobody waits for yet would count as unhandled.
    const refusals = await Promise.all(attempts.map(refusal))
    expect(refusals).toEqual(attempts.map(() => NOT_THERE))
    await expect(
      dave.socket.request('message:send', { chatId: group.id, clientMessageId: 'a', content: 'hi' }),
    ).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
  })

  test('a chat that never was answers exactly as one that is not mine', async () => {
    const group = await alice.groupWith([bob])
    const foreign = await dave.client.get(`/api/chats/${group.id}`).catch((err: unknown) => err as ApiError)
    const forged = `chat_${'A'.repeat(group.id.length - 5)}`
    const absent = await dave.client.get(`/api/chats/${forged}`).catch((err: unknown) => err as ApiError)
    expect(outside(absent)).toEqual(outside(foreign))
  })

  test('a new member sees from the joining on, and nothing before it', async () => {
    const group = await alice.groupWith([bob])
    await alice.send(group.id, 'before carol')
    await add(alice, group, carol)
    await alice.send(group.id, 'after carol')
    await carol.waitForText('after carol')
    const seen = await carol.client.get<Message[]>(`/api/chats/${group.id}/messages`, { after: 0 })
    expect(seen.map((message) => message.content)).not.toContain('before carol')
    expect(seen.at(-1)?.content).toBe('after carol')
    expect((await carol.chat(group.id)).unreadCount).toBe(1)
    await expectConverged(bob, carol)
  })

  test('a removed member gets nothing after it, on any door, and keeps what was before', async () => {
    const group = await alice.groupWith([bob, carol])
    await alice.send(group.id, 'for all')
    await carol.waitForText('for all')
    await remove(alice, group, carol)
    const left = await carol.waitFor(
      'chat:participant:left',
      (frame) => frame.data['chatId'] === group.id && frame.data['userId'] === carol.userId,
    )
    expect(left.data).toMatchObject({ removedBy: alice.userId })
    const from = carol.frames.length
    await alice.send(group.id, 'without carol')
    await bob.waitForText('without carol')
    const seen = await carol.client.get<Message[]>(`/api/chats/${group.id}/messages`, { after: 0 })
    expect(seen.map((message) => message.content)).toContain('for all')
    expect(seen.map((message) => message.content)).not.toContain('without carol')
    const chat = await carol.chat(group.id)
    expect(chat.myRole).toBeNull()
    expect(chat.lastSeq).toBe(left.data['seq'])
    expect(chat.lastMessage?.seq ?? 0).toBeLessThanOrEqual(chat.lastSeq)
    const write = carol.client.post(`/api/chats/${group.id}/messages`, { clientMessageId: 'x', content: 'x' })
    expect(await refusal(write)).toEqual(NOT_THERE)
    expect(await refusal(carol.client.get(`/api/chats/${group.id}/participants`))).toEqual(NOT_THERE)
    // A message of her own notes chat comes after whatever a leak would have brought.
    const notes = await carol.directWith(carol)
    await carol.post(notes.id, 'fence')
    await carol.waitForText('fence', { from })
    expect(carol.received(group.id, from)).toEqual([])
  })

  test('one who comes back sees both intervals and not what lies between', async () => {
    const group = await alice.groupWith([bob])
    await alice.send(group.id, 'first')
    await remove(alice, group, bob)
    await alice.send(group.id, 'between')
    await add(alice, group, bob)
    await alice.send(group.id, 'last')
    const seen = await bob.client.get<Message[]>(`/api/chats/${group.id}/messages`, { after: 0 })
    const texts = seen.map((message) => message.content)
    expect(texts).toContain('first')
    expect(texts).toContain('last')
    expect(texts).not.toContain('between')
    expect((await bob.chat(group.id)).visible).toHaveLength(2)
    await bob.waitForText('last')
    await expectConverged(bob)
  })

  test('adding or removing twice is a success without effect', async () => {
    const group = await alice.groupWith([bob])
    await add(alice, group, carol)
    const before = (await alice.chat(group.id)).lastSeq
    await add(alice, group, carol)
    expect((await alice.chat(group.id)).lastSeq).toBe(before)
    await remove(alice, group, carol)
    const after = (await alice.chat(group.id)).lastSeq
    await remove(alice, group, carol)
    expect((await alice.chat(group.id)).lastSeq).toBe(after)
  })

  test('the last owner leaving hands over to the longest-standing admin, else member', async () => {
    const group = await alice.groupWith([bob, carol])
    await setRole(alice, group, carol, 'admin')
    await alice.client.delete(`/api/chats/${group.id}`)
    await until('carol owns the group', async () => (await roleOf(bob, group, carol)) === 'owner')
    await carol.client.delete(`/api/chats/${group.id}`)
    await until('bob owns the group', async () => (await roleOf(bob, group, bob)) === 'owner')
  })

  test('a change of the name takes a place in the order and reaches everyone', async () => {
    const group = await alice.groupWith([bob])
    const updated = await alice.client.patch<Chat>(`/api/chats/${group.id}`, { name: 'supper' })
    expect(updated.name).toBe('supper')
    await bob.waitFor('chat:updated', (frame) => (frame.data['chat'] as Chat).name === 'supper')
    const history = await bob.client.get<Message[]>(`/api/chats/${group.id}/messages`)
    expect(history.at(-1)?.system?.kind).toBe('info_changed')
    expect((await bob.chat(group.id)).unreadCount).toBe(0)
  })
})

describe('roles', () => {
  let group: Chat
  beforeAll(async () => {
    group = await alice.groupWith([bob, carol, dave], 'roles')
    await setRole(alice, group, bob, 'admin')
    await setRole(alice, group, carol, 'moderator')
  })

  test.each([
    ['a member renames the group', () => dave.client.patch(`/api/chats/${group.id}`, { name: 'x' })],
    ['a moderator renames the group', () => carol.client.patch(`/api/chats/${group.id}`, { name: 'x' })],
    ['a member makes himself admin', () => setRole(dave, group, dave, 'admin')],
    ['a moderator makes herself admin', () => setRole(carol, group, carol, 'admin')],
    ['an admin makes himself owner', () => setRole(bob, group, bob, 'owner')],
    ['an admin demotes the owner', () => setRole(bob, group, alice, 'member')],
    ['an admin removes the owner', () => remove(bob, group, alice)],
    ['a moderator removes an admin', () => remove(carol, group, bob)],
    ['a member removes somebody', () => remove(dave, group, carol)],
  ])('%s: refused', async (_what, attempt) => {
    expect(await refusal(attempt())).toEqual(FORBIDDEN)
  })

  test('a member deletes another one’s message for everyone: refused; a moderator may', async () => {
    const message = await alice.send(group.id, 'to be deleted')
    const path = `/api/chats/${group.id}/messages/${message.id}`
    expect(await refusal(dave.client.delete(path, { forEveryone: true }))).toEqual(FORBIDDEN)
    await carol.client.delete(path, { forEveryone: true })
    const gone = await dave.client.get<Message>(path)
    expect(gone).toMatchObject({ isDeleted: true, content: null, seq: message.seq })
  })

  test('an owner may make another owner', async () => {
    await setRole(alice, group, bob, 'owner')
    expect(await roleOf(dave, group, bob)).toBe('owner')
    await dave.waitFor('chat:participant:role_changed', (frame) => frame.data['role'] === 'owner')
  })
})

describe('a broadcast', () => {
  test('only owners and admins write', async () => {
    const chat = await alice.client.post<Chat>('/api/chats', {
      type: 'broadcast',
      name: 'news',
      participantIds: [bob.userId],
    })
    await alice.send(chat.id, 'the news')
    await bob.waitForText('the news')
    expect(await refusal(bob.post(chat.id, 'a comment'))).toEqual(FORBIDDEN)
  })
})

describe('the list of chats', () => {
  test('newest activity first, pinned ahead, archived on request', async () => {
    const erin = await world.phone('erin')
    const [one, two, three] = await Promise.all([
      erin.directWith(alice),
      erin.directWith(bob),
      erin.directWith(carol),
    ])
    for (const chat of [one, two, three]) await erin.send(chat.id, 'hello')
    const order = async (query = {}): Promise<string[]> =>
      (await erin.client.get<Chat[]>('/api/chats', query)).map((chat) => chat.id)
    await until('newest first', async () => (await order()).join() === [three.id, two.id, one.id].join())
    await erin.client.put(`/api/chats/${one.id}/settings`, { pinned: true })
    expect(await order()).toEqual([one.id, three.id, two.id])
    await erin.client.put(`/api/chats/${two.id}/settings`, { archived: true })
    expect(await order({ archived: true })).toEqual([two.id])
    expect(await order({ archived: false })).toEqual([one.id, three.id])
    expect(await order()).toHaveLength(3)
    expect((await erin.chat(one.id)) as Chat & { settings: unknown }).toMatchObject({
      settings: { pinned: true, archived: false },
    })
  })

  test('pages meet without a gap and without a repeat', async () => {
    const erin = await world.phone('erin')
    for (let i = 0; i < 7; i += 1) await erin.groupWith([], `group ${i}`)
    const chats = await erin.client.all<Chat>('/api/chats', { limit: 3 })
    expect(chats).toHaveLength(7)
    expect(new Set(chats.map((chat) => chat.id)).size).toBe(7)
  })
})
