import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { afterEach, expect, test, vi } from 'vitest'
import type { Close } from '../src/client/link.ts'
import type { Message } from '../src/client/model.ts'
import { ApiError } from '../src/client/api-error.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Each test starts its own nodes, and some start them twice.
vi.setConfig({ testTimeout: 150_000 })

let world: World
afterEach(async () => {
  await world?.close()
})

test('SIGTERM: sockets close with 1012 and a hint, the process ends within ten seconds with code 0', async () => {
  world = await startWorld()
  const people = await world.phones('alice', 'bob', 'carol')
  const closes: Close[] = []
  for (const phone of people) phone.socket.on('close', (close) => closes.push(close as Close))
  const startedAt = Date.now()
  const exit = await world.node(0).term()
  expect(Date.now() - startedAt).toBeLessThan(10_000)
  expect(exit).toEqual({ code: 0, signal: null })
  await until('every socket is closed', () => closes.length >= 3)
  for (const close of closes.slice(0, 3)) {
    expect(close.code).toBe(1012)
    expect(close.reason).toMatch(/^retry=\d+$/)
  }
})

test('SIGTERM in the middle of a burst loses no accepted message and doubles none', async () => {
  world = await startWorld()
  const [alice, bob] = await world.phones('alice', 'bob')
  const chat = await alice.directWith(bob)
  const sends = Array.from({ length: 400 }, (_, i) => alice.send(chat.id, `m${i}`))
  await Promise.race(sends)
  await world.node(0).term()
  await world.node(0).start()
  const accepted: Message[] = await Promise.all(sends)
  const dense = Array.from({ length: 400 }, (_, i) => i + 1)
  expect(accepted.map((message) => message.seq)).toEqual(dense)
  await until('bob has them all', () => bob.store.messages(chat.id).length === 400, { timeoutMs: 15_000 })
  expect(bob.store.messages(chat.id).map((message) => message.content)).toEqual(dense.map((n) => `m${n - 1}`))
  await expectConverged(alice, bob)
})

test('a node that is going down takes no new connections and says so to whoever asks', async () => {
  world = await startWorld({ nodes: 2 })
  const alice = await world.phone('alice')
  alice.socket.on('close', () => {
    alice.url = world.node(1).url
  })
  const notes = await alice.directWith(alice)
  const ended = world.node(0).term()
  const message = await alice.send(notes.id, 'on the other node')
  expect(message.seq).toBe(1)
  await ended
  await expect(fetch(`${world.node(0).url}/healthz`)).rejects.toThrow()
})

test('SIGTERM while a request waits for its store: it is answered, and then its connection ends', async () => {
  world = await startWorld()
  const alice = await world.phone('alice', { isOffline: true })
  const token = await alice.client.accessToken()
  const sql = postgres(world.env['DATABASE_URL'] ?? '', { max: 1 })
  try {
    const held = sql.begin(async (tx) => {
      await tx`SELECT 1 FROM users WHERE id = ${alice.userId} FOR UPDATE`
      const answer = fetch(`${world.url}/api/users/me`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ fullName: 'alice anew' }),
      })
      await until('the request waits', async () => {
        const [row] = await tx`SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted`
        return Number(row?.['n']) > 0
      })
      const ended = world.node(0).term()
      // Longer than a pool that is being closed waits for its queries.
      await sleep(2_600)
      return { answer, ended }
    })
    const { answer, ended } = await held
    const response = await answer
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close'])
    expect(await ended).toEqual({ code: 0, signal: null })
  } finally {
    await sql.end()
  }
})

test('a rolling restart under load: nothing lost or doubled, nobody long without a connection', async () => {
  world = await startWorld({ nodes: 2 })
  const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
  const phones = await Promise.all(names.map((name, i) => world.phone(name, { node: i % 2 })))
  const [alice] = phones as [Phone]
  const chat = await alice.groupWith(phones.slice(1))
  const gaps = phones.map((phone) => moveOnClose(phone))
  const load = { isOn: true, strange: [] as string[] }
  const senders = phones.map((phone, i) =>
    i < 3 ? overSocket(phone, chat.id, load) : overRest(phone, chat.id, load),
  )

  for (const index of [0, 1]) {
    await sleep(500)
    const startedAt = performance.now()
    expect(await world.node(index).term()).toEqual({ code: 0, signal: null })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    await world.node(index).start()
  }
  await sleep(500)
  load.isOn = false
  const accepted = (await Promise.all(senders)).flat()

  expect(load.strange).toEqual([])
  expect(accepted.length).toBeGreaterThan(100)
  const ids = accepted.map((message) => message.id).toSorted((a, b) => a.localeCompare(b))
  for (const phone of phones) {
    const stored = (): string[] =>
      phone.store
        .messages(chat.id)
        .filter((message) => message.type === 'text')
        .map((message) => message.id)
        .toSorted((a, b) => a.localeCompare(b))
    await until(`${phone.name} has them all`, () => stored().length >= ids.length, { timeoutMs: 15_000 })
    expect(stored()).toEqual(ids)
  }
  await expectConverged(...phones)
  // The hint spreads them over two seconds; the rest is signing in.
  for (const gap of gaps) expect(gap()).toBeLessThan(4_000)
})

type Load = { isOn: boolean; strange: string[] }

/** Goes to the other node when its own ends, as behind a balancer; gives the longest time without a connection. */
function moveOnClose(phone: Phone): () => number {
  let longest = 0
  let since: number | null = null
  const isOut = (): void => {
    phone.url = phone.url === world.node(0).url ? world.node(1).url : world.node(0).url
    since ??= performance.now()
  }
  phone.socket.on('close', isOut)
  phone.socket.on('connect-failed', isOut)
  phone.socket.on('login', () => {
    if (since !== null) longest = Math.max(longest, performance.now() - since)
    since = null
  })
  return () => (since === null ? longest : Infinity)
}

async function overSocket(phone: Phone, chatId: string, load: Load): Promise<Message[]> {
  const accepted: Message[] = []
  while (load.isOn) {
    accepted.push(await phone.send(chatId, `${phone.name} ${accepted.length}`))
    await sleep(10)
  }
  return accepted
}

/** Repeats with the same id until it is accepted; only what a restart explains may come in between. */
async function overRest(phone: Phone, chatId: string, load: Load): Promise<Message[]> {
  const accepted: Message[] = []
  while (load.isOn) {
    const draft = { clientMessageId: randomUUID() }
    const content = `${phone.name} ${accepted.length}`
    const message = await until('the message is accepted', () =>
      phone.post(chatId, content, draft).catch((err: unknown) => {
        if (!(err instanceof ApiError && err.retryable)) load.strange.push(String(err))
        return null
      }),
    )
    accepted.push(message)
    await sleep(10)
  }
  return accepted
}
