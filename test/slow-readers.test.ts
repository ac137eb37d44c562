import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Megabytes go over the sockets: it is counted what becomes of them, not how fast.
vi.setConfig({ testTimeout: 180_000 })

/** The longest message there is: some 16 KB on the wire, so that few of them are more than any buffer takes. */
const LONG = '😀'.repeat(4_096 - 8)
const AT_ONCE = 25

let world: World

beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.close()
})

async function sendLong(sender: Phone, chatId: string, tag: string, count: number): Promise<Message[]> {
  const sent: Message[] = []
  for (let start = 0; start < count; start += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - start) }, (_, i) =>
      sender.send(chatId, `${tag}${start + i} ${LONG}`),
    )
    sent.push(...(await Promise.all(batch)))
  }
  return sent
}

/** How many sockets the node has closed because their readers were too slow. */
async function tooSlow(): Promise<number> {
  const text = await (await fetch(`${world.url}/metrics`)).text()
  return Number(/^parley_sockets_too_slow_total (\d+)$/m.exec(text)?.[1])
}

async function expectAll(phone: Phone, sent: Message[]): Promise<void> {
  const chatId = sent[0]?.chatId ?? ''
  await until(
    `${phone.name} has all ${sent.length}`,
    () => {
      const held = new Set(phone.store.messages(chatId).map(({ id }) => id))
      return sent.every(({ id }) => held.has(id))
    },
    { timeoutMs: 60_000 },
  )
}

test('whoever stops reading is closed when its buffer is full, the others go on, and it has everything on return', async () => {
  const [alice, bob] = await world.phones('alice', 'bob')
  // The watch of a conforming client would take its own silence for the server's.
  const slow = await Promise.all(['carol', 'dave', 'erin'].map((name) => world.phone(name, { silenceMs: 0 })))
  const chat = await alice.groupWith([bob, ...slow])
  const links = [alice.socket.link, bob.socket.link]
  for (const phone of slow) phone.socket.link?.pause()

  const sent: Message[] = []
  while ((await tooSlow()) < slow.length) {
    sent.push(...(await sendLong(alice, chat.id, `m${sent.length}-`, 100)))
    expect(sent.length).toBeLessThan(3_000)
  }
  await expectAll(bob, sent)
  const live = bob.received(chat.id).map(({ seq }) => seq)
  expect(live).toEqual(live.toSorted((a, b) => a - b))
  expect([alice.socket.link, bob.socket.link]).toEqual(links)

  for (const phone of slow) phone.socket.link?.resume()
  for (const phone of slow) await expectAll(phone, sent)
  await expectConverged(bob, ...slow)
  await Promise.all([alice, bob, ...slow].map((phone) => phone.offline()))
})

test('a backlog larger than the buffer reaches a reader that reads, on one connection, and what comes meanwhile after it', async () => {
  const [alice, bob] = await world.phones('alice', 'bob')
  const chat = await alice.directWith(bob)
  await alice.send(chat.id, 'first')
  await bob.waitForText('first')
  await bob.offline()
  const sent = await sendLong(alice, chat.id, 'm', 300)
  const closedBefore = await tooSlow()
  const back = bob.online()
  let logins = 0
  bob.socket.on('login', () => {
    logins += 1
  })
  const [meanwhile] = await Promise.all([sendLong(alice, chat.id, 'n', 50), back])
  await expectAll(bob, [...sent, ...meanwhile])
  expect(logins).toBe(1)
  expect(await tooSlow()).toBe(closedBefore)
  const live = bob.received(chat.id).map(({ seq }) => seq)
  expect(live).toEqual(live.toSorted((a, b) => a - b))
  await expectConverged(alice, bob)
  await Promise.all([alice.offline(), bob.offline()])
})

test('a reader that stops in the middle of its backlog misses nothing of what came while it stood still', async () => {
  const alice = await world.phone('alice')
  const bob = await world.phone('bob', { silenceMs: 0 })
  const chat = await alice.directWith(bob)
  await alice.send(chat.id, 'first')
  await bob.waitForText('first')
  await bob.offline()
  // More than kernel and node take together, so that the backlog cannot be written to its end.
  const sent = await sendLong(alice, chat.id, 'm', 400)
  const back = bob.online()
  bob.socket.once('login', () => bob.socket.link?.pause())
  await until('bob is signed in and stands still', () => bob.socket.link?.isOpen)
  // More places than the node holds back for one socket.
  const meanwhile = await Promise.all(Array.from({ length: 700 }, (_, i) => alice.send(chat.id, `n${i}`)))
  bob.socket.link?.resume()
  await back
  await expectAll(bob, [...sent, ...meanwhile])
  const seqs = bob.store.messages(chat.id).map(({ seq }) => seq)
  expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  await expectConverged(alice, bob)
})
