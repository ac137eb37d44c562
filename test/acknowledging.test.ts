import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Link } from '../src/client/link.ts'
import type { Chat, Message } from '../src/client/model.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Thousands of messages on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.close()
})

/** Bob acknowledges only when he is told to. Two chats, so that one can lie behind the other's messages. */
async function people(): Promise<{ alice: Phone; bob: Phone; direct: Chat; group: Chat }> {
  const alice = await world.phone('alice')
  const bob = await world.phone('bob', { autoAck: false })
  return { alice, bob, direct: await alice.directWith(bob), group: await alice.groupWith([bob]) }
}

const statusOf = async (phone: Phone, message: Message): Promise<string | null> =>
  (await phone.client.get<Message>(`/api/chats/${message.chatId}/messages/${message.id}`)).status

const sendMany = (phone: Phone, chat: Chat, count: number): Promise<Message[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => phone.send(chat.id, `m${i}`)))

const deliveredSeq = async (phone: Phone, chat: Chat): Promise<number> =>
  (await phone.client.get<Chat & { deliveredSeq: number }>(`/api/chats/${chat.id}`)).deliveredSeq

test('the cursor of a reset stands for what the device could fetch, and for nothing later', async () => {
  const { alice, bob, direct, group } = await people()
  await bob.offline()
  const missed = await alice.send(direct.id, 'missed')
  await world.redis.flush()
  const events: string[] = []
  const { link, login } = await Link.open({
    url: bob.url,
    token: await bob.client.accessToken(),
    cursor: bob.store.cursor,
    onFrame: ({ event }) => events.push(event),
  })
  expect(login.reset).toBe(true)
  const later = await alice.send(direct.id, 'later')
  const elsewhere = await alice.send(group.id, 'later, elsewhere')
  await until(
    'both are there, unacknowledged',
    () => events.filter((e) => e === 'message:received').length === 2,
  )
  await link.request('sync:ack', { cursor: login.cursor })
  expect(await statusOf(alice, missed)).toBe('delivered')
  expect([await statusOf(alice, later), await statusOf(alice, elsewhere)]).toEqual(['sent', 'sent'])
  link.close()
})

test('however much was not acknowledged, one acknowledgement covers all of it', async () => {
  const { alice, bob, direct, group } = await people()
  const first = await alice.send(direct.id, 'long ago')
  await sendMany(alice, group, 2100)
  await until('bob has everything', () => bob.received(group.id).length >= 2100, { timeoutMs: 30_000 })
  expect(await statusOf(alice, first)).toBe('sent')
  await bob.socket.acknowledge()
  expect(await statusOf(alice, first)).toBe('delivered')
  const { lastSeq } = await alice.chat(group.id)
  expect(await deliveredSeq(bob, group)).toBe(lastSeq)
})

test('what an earlier connection brought is delivered by the acknowledgement of a later one', async () => {
  const { alice, bob, direct, group } = await people()
  const first = await alice.send(direct.id, 'long ago')
  await sendMany(alice, group, 350)
  await until('bob has everything', () => bob.received(group.id).length >= 350, { timeoutMs: 30_000 })
  await bob.offline()
  await bob.online()
  expect(await statusOf(alice, first)).toBe('sent')
  await bob.socket.acknowledge()
  expect(await statusOf(alice, first)).toBe('delivered')
})
