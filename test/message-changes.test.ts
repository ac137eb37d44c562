import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiError } from '../src/client/api-error.ts'
import type { Changes, Chat, Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
let alice: Phone
let bob: Phone
let carol: Phone
let group: Chat
beforeAll(async () => {
  world = await startWorld({ nodes: 2 })
  alice = await world.phone('alice')
  bob = await world.phone('bob')
  carol = await world.phone('carol', { node: 1 })
  group = await alice.groupWith([bob, carol])
})
afterAll(async () => {
  await world?.close()
})

const pathOf = (message: Message): string => `/api/chats/${message.chatId}/messages/${message.id}`
const read = (phone: Phone, message: Message) => phone.client.get<Message>(pathOf(message))
const revOf = async (phone: Phone, chat: Chat) => (await phone.chat(chat.id)).rev
const react = (phone: Phone, message: Message, emoji: string) =>
  phone.client.post<Message>(`${pathOf(message)}/reactions`, { emoji })
const edit = (phone: Phone, message: Message, content: string) =>
  phone.client.patch<Message>(pathOf(message), { content })
const remove = (phone: Phone, message: Message) => phone.client.delete<Message>(pathOf(message))
const removeForAll = (phone: Phone, message: Message) =>
  phone.client.delete<Message>(pathOf(message), { forEveryone: true })
const statusOf = (attempt: Promise<unknown>): Promise<number | string> =>
  attempt.then(
    () => 'done',
    (err: ApiError) => err.status,
  )
const about = (phone: Phone, message: Message, from: number) =>
  phone.frames.slice(from).filter((frame) => JSON.stringify(frame.data ?? {}).includes(message.id))

describe('what others did to a message', () => {
  test('is told to each viewer in his own view', async () => {
    const message = await alice.send(group.id, 'to vote on')
    await react(bob, message, '👍')
    await react(carol, message, '🎉')
    await edit(alice, message, 'to vote on, clearly')
    const mine = async (phone: Phone) => {
      const edited = await phone.waitFor('message:edited', ({ data }) => data.message?.id === message.id)
      return edited.data.message?.reactions?.filter((one) => one.mine).map((one) => one.emoji)
    }
    expect([await mine(alice), await mine(bob), await mine(carol)]).toEqual([[], ['👍'], ['🎉']])
    expect((await read(bob, message)).reactions).toEqual([
      { emoji: '👍', count: 1, mine: true },
      { emoji: '🎉', count: 1, mine: false },
    ])
    await expectConverged(alice, bob, carol)
  })

  test('tells of a replaced reaction that it went, and of the next that it came', async () => {
    const message = await alice.send(group.id, 'twice')
    await react(bob, message, '👍')
    const from = alice.frames.length
    const { rev } = await react(bob, message, '❤️')
    const added = await alice.waitFor('message:reaction:added', ({ data }) => data['rev'] === rev, { from })
    expect(added.data).toEqual({
      chatId: group.id,
      messageId: message.id,
      userId: bob.userId,
      emoji: '❤️',
      rev,
    })
    expect(alice.eventsOf('message:reaction:removed', from).map(({ data }) => data['emoji'])).toEqual(['👍'])
    await expectConverged(alice, bob, carol)
  })

  test('comes back by the socket as by REST, and null withdraws a reaction', async () => {
    const message = await alice.send(group.id, 'by socket')
    const target = { chatId: group.id, messageId: message.id }
    const edited = await alice.socket.request<Message>('message:edit', { ...target, content: 'by frame' })
    expect({ ...edited, status: null }).toEqual({ ...(await read(alice, message)), status: null })
    const reacted = await bob.socket.request<Message>('message:reaction', { ...target, emoji: '👍' })
    expect(reacted.reactions).toEqual([{ emoji: '👍', count: 1, mine: true }])
    const withdrawn = await bob.socket.request<Message>('message:reaction', { ...target, emoji: null })
    expect(withdrawn).toEqual(await read(bob, message))
    expect(withdrawn.reactions).toEqual([])
    const gone = await alice.socket.request<Message>('message:delete', { ...target, forEveryone: true })
    expect(gone).toMatchObject({ isDeleted: true, content: null, seq: message.seq })
    await expectConverged(alice, bob, carol)
  })

  test('repeated without effect takes no revision', async () => {
    const [erin, frank] = await world.phones('erin', 'frank')
    const chat = await erin.directWith(frank)
    const message = await erin.send(chat.id, 'again')
    const twice = async (change: () => Promise<unknown>) => {
      await change()
      const rev = await revOf(erin, chat)
      await change()
      expect(await revOf(erin, chat)).toBe(rev)
    }
    await twice(() => edit(erin, message, 'and again'))
    await twice(() => react(frank, message, '👍'))
    await twice(() => frank.client.delete(`${pathOf(message)}/reactions/${encodeURIComponent('👍')}`))
    await twice(() => remove(frank, message))
    await twice(() => removeForAll(erin, message))
    expect(await erin.client.get(`${pathOf(message)}/history`)).toEqual([])
  })

  test('shows in the chat’s last message', async () => {
    const message = await alice.send(group.id, 'the newest')
    await edit(alice, message, 'the newest, edited')
    expect((await bob.chat(group.id)).lastMessage).toMatchObject({ preview: 'the newest, edited' })
    await removeForAll(alice, message)
    expect((await bob.chat(group.id)).lastMessage).toMatchObject({ id: message.id, preview: null })
  })
})

describe('deleted for oneself', () => {
  test('it is void on all own devices, and nobody else hears of it', async () => {
    const second = await bob.another()
    const message = await alice.send(group.id, 'not for bob')
    await second.waitForText('not for bob')
    const from = carol.frames.length
    await remove(bob, message)
    const deleted = await second.waitFor('message:deleted', (f) => f.data['messageId'] === message.id)
    expect(deleted.data['deletedBy']).toBe(bob.userId)
    await expectConverged(bob, second)
    expect(second.store.messages(group.id).find(({ id }) => id === message.id)?.type).toBe('void')
    await alice.send(group.id, 'the next')
    await carol.waitForText('the next')
    expect(about(carol, message, from)).toEqual([])
    await second.offline()
  })

  test('what happens to it later stays away, also when told from the log', async () => {
    const message = await alice.send(group.id, 'hidden from bob')
    await remove(bob, message)
    const from = bob.frames.length
    await edit(alice, message, 'hidden still')
    await world.redis.flush()
    await react(carol, message, '👍')
    await expectConverged(alice, bob)
    await world.redis.flush()
    await edit(alice, message, 'hidden for ever')
    await alice.send(group.id, 'after hiding')
    await until('bob has it', () =>
      bob.store.messages(group.id).some(({ content }) => content === 'after hiding'),
    )
    expect(JSON.stringify(bob.frames.slice(from))).not.toContain('hidden')
    expect(await statusOf(react(bob, message, '👍'))).toBe(404)
    expect(await statusOf(removeForAll(bob, message))).toBe(404)
    expect(await statusOf(bob.client.get(`${pathOf(message)}/history`))).toBe(404)
    await expectConverged(alice, bob, carol)
  })
})

describe('who may', () => {
  test('delete for everyone: its sender, and who moderates the group', async () => {
    const message = await bob.send(group.id, 'bob’s')
    expect(await statusOf(removeForAll(carol, message))).toBe(403)
    await alice.client.put(`/api/chats/${group.id}/participants/${carol.userId}/role`, { role: 'moderator' })
    expect(await removeForAll(carol, message)).toMatchObject({ isDeleted: true })
    const { data } = await bob.waitFor('message:deleted', (f) => f.data['messageId'] === message.id)
    expect(data['deletedBy']).toBe(carol.userId)
    const direct = await alice.directWith(bob)
    const private1 = await alice.send(direct.id, 'alice’s')
    expect(await statusOf(removeForAll(bob, private1))).toBe(403)
  })

  test('change what is deleted, or what the system said: nobody', async () => {
    const message = await alice.send(group.id, 'gone soon')
    await removeForAll(alice, message)
    expect(await statusOf(edit(alice, message, 'back'))).toBe(409)
    expect(await statusOf(react(bob, message, '👍'))).toBe(409)
    const [first] = await alice.client.get<Message[]>(`/api/chats/${group.id}/messages`, {
      after: 0,
      limit: 1,
    })
    expect(first?.type).toBe('system')
    expect(await statusOf(edit(alice, first as Message, 'x'))).toBe(409)
    expect(await statusOf(react(alice, first as Message, '👍'))).toBe(409)
    expect(await statusOf(removeForAll(alice, first as Message))).toBe(409)
  })

  test('nobody from outside, no longer, or not yet', async () => {
    const [dave, mallory] = await world.phones('dave', 'mallory')
    const before = await alice.send(group.id, 'before dave')
    await alice.client.post(`/api/chats/${group.id}/participants`, { userIds: [dave.userId] })
    const own = await dave.send(group.id, 'hello all')
    expect(await statusOf(react(dave, before, '👍'))).toBe(404)
    expect(await statusOf(react(mallory, own, '👍'))).toBe(404)
    expect(await statusOf(remove(mallory, own))).toBe(404)
    const from = dave.frames.length
    await react(bob, before, '👍')
    await alice.client.delete(`/api/chats/${group.id}/participants/${dave.userId}`)
    expect(await statusOf(edit(dave, own, 'x'))).toBe(404)
    expect(await statusOf(react(dave, own, '👍'))).toBe(404)
    expect(await statusOf(remove(dave, own))).toBe(404)
    await removeForAll(alice, own)
    await bob.waitFor('message:deleted', (frame) => frame.data['messageId'] === own.id)
    expect([...about(dave, before, from), ...about(dave, own, from)]).toEqual([])
  })

  test.each(['', 'a', '👍👍', '👍 nice', '1', 'x'.repeat(40), '👩🏽‍❤️‍💋‍👨🏾👩🏽'])(
    'nobody reacts with %j',
    async (emoji) => {
      const message = await alice.send(group.id, 'react properly')
      expect(await statusOf(react(bob, message, emoji))).toBe(400)
    },
  )

  test('at most twenty different reactions', async () => {
    const people = await Promise.all(
      Array.from({ length: 21 }, (_, i) => world.phone(`p${i}`, { isOffline: true })),
    )
    const crowd = await alice.groupWith(people)
    const message = await alice.send(crowd.id, 'go')
    const codes = await Promise.all(
      people.map((person, i) => statusOf(react(person, message, String.fromCodePoint(0x1f600 + i)))),
    )
    expect(codes.filter((code) => code === 'done')).toHaveLength(20)
    expect(codes.filter((code) => code === 409)).toHaveLength(1)
    expect((await read(alice, message)).reactions).toHaveLength(20)
  })
})

describe('a blocked person', () => {
  test('reaches nobody by editing or reacting, and is not told', async () => {
    const [erin, troll] = await world.phones('erin', 'troll')
    const chat = await erin.directWith(troll)
    const mine = await erin.send(chat.id, 'a word')
    const message = await troll.send(chat.id, 'nice')
    await erin.waitForText('nice')
    await erin.client.post(`/api/users/${troll.userId}/block`)
    const from = erin.frames.length
    expect(await edit(troll, message, 'nasty')).toMatchObject({ content: 'nasty', isEdited: true })
    expect((await react(troll, mine, '🖕')).reactions).toEqual([{ emoji: '🖕', count: 1, mine: true }])
    await expectConverged(erin, troll)
    await erin.client.delete(`/api/users/${troll.userId}/block`)
    await edit(troll, message, 'sorry')
    await erin.waitFor('message:edited', (frame) => frame.data.message?.content === 'sorry')
    const told = JSON.stringify([
      erin.frames.slice(from),
      await erin.client.get(`/api/chats/${chat.id}/changes`, { since: 0 }),
      await erin.client.get(`${pathOf(message)}/history`),
      await erin.chat(chat.id),
    ])
    expect(told).toContain('sorry')
    expect(told).not.toMatch(/nasty|🖕/)
    await expectConverged(erin, troll)
  })
})

test('two nodes change one chat at once: nothing is lost, no revision taken twice', async () => {
  const messages = await Promise.all(Array.from({ length: 5 }, (_, i) => alice.send(group.id, `m${i}`)))
  const first = messages[0] as Message
  const before = await revOf(alice, group)
  const from = bob.frames.length
  const ROUNDS = 15
  const rounds = Array.from({ length: ROUNDS }, (_, i) => i)
  const inTurn = async (person: Phone, emoji: string) => {
    for (const i of rounds) await react(person, first, i % 2 ? emoji : '🎉')
  }
  await Promise.all([
    inTurn(bob, '👍'),
    inTurn(carol, '❤️'),
    ...rounds.flatMap((i) => [
      alice.send(group.id, `a${i}`),
      carol.send(group.id, `c${i}`),
      ...messages.map((message) => edit(alice, message, `${message.content} ${i}`)),
    ]),
  ])
  const { messages: changed, rev } = await alice.client.get<Changes>(`/api/chats/${group.id}/changes`, {
    since: before,
    limit: 50,
  })
  expect(changed).toHaveLength(35)
  expect(new Set(changed.map((message) => message.rev)).size).toBe(35)
  expect(rev).toBe(before + ROUNDS * 9)
  expect(await alice.client.get(`${pathOf(first)}/history`)).toHaveLength(ROUNDS)
  const told = () =>
    bob.frames.slice(from).flatMap(({ event, data }) => {
      const place = data?.message?.rev ?? data?.['rev']
      return typeof place === 'number' && event !== 'message:reaction:removed' ? [place] : []
    })
  const all = Array.from({ length: ROUNDS * 9 }, (_, i) => before + 1 + i)
  await until('bob was told of each revision, in their order', () => {
    expect(told()).toEqual(all)
    return true
  })
})

test('the windows close', async () => {
  const strict = await startWorld({ env: { EDIT_WINDOW_SECONDS: '1', DELETE_WINDOW_SECONDS: '1' } })
  try {
    const [erin, frank] = await strict.phones('erin', 'frank')
    const crew = await erin.groupWith([frank])
    const message = await frank.send(crew.id, 'too late')
    await edit(frank, message, 'just in time')
    await until(
      'the window is closed',
      async () => (await statusOf(edit(frank, message, `${Date.now()}`))) === 403,
    )
    expect(await statusOf(removeForAll(frank, message))).toBe(403)
    expect(await removeForAll(erin, message)).toMatchObject({ isDeleted: true })
  } finally {
    await strict.close()
  }
})
