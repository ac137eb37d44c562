import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Changes, Chat, Message } from '../src/client/model.ts'
import type { Phone } from './support/phone.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
let alice: Phone
let bob: Phone
let carol: Phone
beforeAll(async () => {
  world = await startWorld()
  ;[alice, bob, carol] = await world.phones('alice', 'bob', 'carol')
})
afterAll(async () => {
  await world?.close()
})

const pathOf = (message: Message): string => `/api/chats/${message.chatId}/messages/${message.id}`
const edit = (phone: Phone, message: Message, content: string) =>
  phone.client.patch<Message>(pathOf(message), { content })
const react = (phone: Phone, message: Message, emoji: string) =>
  phone.client.post<Message>(`${pathOf(message)}/reactions`, { emoji })
const remove = (phone: Phone, chat: Chat, who: Phone) =>
  phone.client.delete(`/api/chats/${chat.id}/participants/${who.userId}`)
const add = (phone: Phone, chat: Chat, who: Phone) =>
  phone.client.post(`/api/chats/${chat.id}/participants`, { userIds: [who.userId] })

/** Everything that REST shows someone of a chat. */
async function seenBy(phone: Phone, chatId: string, messages: Message[]) {
  const { client } = phone
  const changes: Message[] = []
  let rev = 0
  for (let hasMore = true; hasMore;) {
    const page = await client.get<Changes>(`/api/chats/${chatId}/changes`, { since: rev, limit: 2 })
    changes.push(...page.messages)
    ;({ rev, hasMore } = page)
  }
  const perMessage = messages.map(async (message) => ({
    message: await client.get<Message>(pathOf(message)),
    edits: await client.get(`${pathOf(message)}/history`),
    receipts: await client.get(`${pathOf(message)}/receipts`).catch(() => null),
  }))
  return {
    chat: await phone.chat(chatId),
    listed: (await client.get<Chat[]>('/api/chats')).find((chat) => chat.id === chatId),
    history: await client.get<Message[]>(`/api/chats/${chatId}/messages`),
    // Revisions taken by changes that are shown later in the list do not show twice.
    changes,
    rev,
    perMessage: await Promise.all(perMessage),
  }
}

describe('who is out of a group', () => {
  test('sees by REST what was there when he left, whatever happens to it later', async () => {
    const group = await alice.groupWith([bob, carol], 'Before')
    const text = await alice.send(group.id, 'first')
    await edit(alice, text, 'second')
    await react(carol, text, '👍')
    const plain = await alice.send(group.id, 'never edited')
    const own = await bob.send(group.id, 'from bob')
    await remove(alice, group, bob)
    const before = await seenBy(bob, group.id, [text, plain, own])
    expect(before.chat).toMatchObject({ name: 'Before', myRole: null })
    expect(before.changes.map((message) => message.rev)).toEqual(
      before.changes.map((message) => message.rev).toSorted((a, b) => a - b),
    )
    expect(before.rev).toBe(before.chat.rev)

    await edit(alice, text, 'third, without bob')
    await react(carol, text, '🎉')
    await react(alice, plain, '👀')
    await edit(alice, plain, 'edited without bob')
    await edit(alice, plain, 'edited again without bob')
    await react(alice, own, '👋')
    await alice.client.post(`/api/chats/${group.id}/read`, { upTo: own.seq })
    await carol.client.post(`/api/chats/${group.id}/read`, { upTo: own.seq })
    await alice.client.patch(`/api/chats/${group.id}`, { name: 'After', description: 'Bob is gone' })
    await alice.send(group.id, 'without bob')
    expect(await seenBy(bob, group.id, [text, plain, own])).toEqual(before)
    expect(await bob.client.get<Chat[]>('/api/chats', { query: 'after' })).toEqual([])
    // A repeated send is answered by the message as he may know it.
    const repeated = await bob.post(group.id, 'from bob', { clientMessageId: own.clientMessageId ?? '' })
    expect(repeated.reactions).toEqual([])
  })

  test('sees each message as it was at his own leaving, not at a later one', async () => {
    const group = await alice.groupWith([bob, carol], 'Two leave')
    const text = await alice.send(group.id, 'v1')
    await remove(alice, group, bob)
    await edit(alice, text, 'v2')
    await edit(alice, text, 'v3')
    await remove(alice, group, carol)
    await edit(alice, text, 'v4')
    const contentFor = async (phone: Phone) => (await phone.client.get<Message>(pathOf(text))).content
    expect([await contentFor(bob), await contentFor(carol), await contentFor(alice)]).toEqual([
      'v1',
      'v3',
      'v4',
    ])
  })

  test('keeps nothing of what was deleted for everyone, and learns nothing more by it', async () => {
    const group = await alice.groupWith([bob, carol], 'Deleted')
    const text = await alice.send(group.id, 'to be regretted')
    await remove(alice, group, bob)
    await edit(alice, text, 'regretted')
    await alice.client.delete(pathOf(text), { forEveryone: true })
    const seen = await bob.client.get<Message>(pathOf(text))
    expect(seen).toMatchObject({ content: null, isDeleted: true, rev: text.rev, updatedAt: text.createdAt })
    expect(await bob.client.get(`${pathOf(text)}/history`)).toEqual([])
  })

  test('sees everything as it is once he is back', async () => {
    const group = await alice.groupWith([bob, carol], 'Back')
    const text = await alice.send(group.id, 'before')
    await remove(alice, group, bob)
    await edit(alice, text, 'meanwhile')
    await alice.client.patch(`/api/chats/${group.id}`, { name: 'Renamed' })
    await add(alice, group, bob)
    expect((await bob.client.get<Message>(pathOf(text))).content).toBe('meanwhile')
    expect(await bob.chat(group.id)).toMatchObject({ name: 'Renamed', myRole: 'member' })
  })

  test('added and removed at the same moment, he keeps every interval that was his', async () => {
    const group = await alice.groupWith([bob, carol], 'In and out')
    await alice.client.put(`/api/chats/${group.id}/participants/${carol.userId}/role`, { role: 'admin' })
    const text = await alice.send(group.id, 'from the beginning')
    for (let round = 0; round < 12; round += 1)
      await Promise.all([remove(alice, group, bob), add(carol, group, bob)])
    await add(alice, group, bob)
    expect((await bob.client.get<Message>(pathOf(text))).content).toBe('from the beginning')
  })
})
