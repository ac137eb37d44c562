import { afterEach, expect, test, vi } from 'vitest'
import type { Close } from '../src/client/link.ts'
import type { Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Each test starts its own nodes, and some start them twice.
vi.setConfig({ testTimeout: 90_000 })

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
