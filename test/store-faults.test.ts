import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { ask } from './support/http.ts'
import { LoneStore } from './support/lone-stores.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Faults last for seconds, and so does their healing.
vi.setConfig({ testTimeout: 90_000 })

let postgres: LoneStore
let mongo: LoneStore
let world: World
let alice: Phone
let bob: Phone
let chatId: string

beforeAll(async () => {
  ;[postgres, mongo] = await Promise.all([LoneStore.postgres(), LoneStore.mongo()])
  world = await startWorld({ env: { DATABASE_URL: postgres.url, MONGODB_URL: mongo.url } })
  ;({ alice, bob } = await people())
  chatId = (await alice.directWith(bob)).id
  await alice.send(chatId, 'first')
  await bob.waitForText('first')
})
afterEach(async () => {
  await Promise.all([postgres.mend(), mongo.mend()])
  await until('the node is ready again', async () => (await readyz()).stores.postgres?.ok, {
    timeoutMs: 20_000,
  })
})
afterAll(async () => {
  await world?.close()
  await Promise.all([postgres?.remove(), mongo?.remove()])
})

async function people(): Promise<{ alice: Phone; bob: Phone }> {
  const [first, second] = await world.phones('alice', 'bob')
  return { alice: first, bob: second }
}

interface Ready {
  status: string
  stores: Record<string, { ok: boolean } | undefined>
}

/** What the node says of itself, which has to come within a second whatever the stores do. */
async function readyz(): Promise<Ready & { code: number }> {
  const response = await fetch(`${world.url}/readyz`, { signal: AbortSignal.timeout(2_000) })
  return { ...((await response.json()) as Ready), code: response.status }
}

/** A request, and for how long the caller had to wait. */
async function timed(path: string, json?: unknown): Promise<{ status: number; code: string; ms: number }> {
  const token = await alice.client.accessToken()
  const start = performance.now()
  const { status, headers, body } = await ask(world.url, path, {
    token,
    ...(json === undefined ? {} : { json }),
  })
  if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  return { status, code: body.error?.code ?? '', ms: performance.now() - start }
}

const search = () => timed(`/api/users/search?query=${encodeURIComponent(bob.phoneNumber)}`)

const post = (content: string) =>
  timed(`/api/chats/${chatId}/messages`, { clientMessageId: content.replaceAll(' ', '-'), content })

/** Nothing but the store was ill: the process is the same, and so are the sockets. */
function expectUntouched(pid: number, sockets: unknown[]): void {
  expect(world.node(0).child.pid).toBe(pid)
  expect([alice.socket.link, bob.socket.link]).toEqual(sockets)
}

describe('PostgreSQL', () => {
  for (const [what, strike, heal] of [
    ['frozen', () => postgres.freeze(), () => postgres.thaw()],
    ['killed', () => postgres.kill(), () => postgres.restart()],
  ] as const)
    test(`${what}: sockets go on, others are refused retryably and soon, all heals without a restart`, async () => {
      const before = { pid: world.node(0).child.pid, sockets: [alice.socket.link, bob.socket.link] }
      await strike()
      const refusals = await Promise.all(Array.from({ length: 30 }, search))
      for (const refusal of refusals) {
        expect([refusal.status, refusal.code]).toEqual([503, 'SERVICE_UNAVAILABLE'])
        expect(refusal.ms).toBeLessThan(5_000)
      }
      await alice.send(chatId, `while it is ${what}`)
      await bob.waitForText(`while it is ${what}`)
      expect((await post(`over REST while it is ${what}`)).status).toBe(201)
      // Whoever asks while it is known to be away does not wait for the whole limit.
      const next = await search()
      expect(next.status).toBe(503)
      expect(next.ms).toBeLessThan(1_500)
      const ready = await readyz()
      expect([ready.code, ready.status, ready.stores['postgres']?.ok]).toEqual([200, 'degraded', false])
      expect((await fetch(`${world.url}/healthz`)).status).toBe(200)

      await heal()
      await until('a search is answered', async () => (await search()).status === 200, { timeoutMs: 10_000 })
      // Not one of the pool's connections is left behind.
      await until(
        'all of many searches are answered',
        async () =>
          (await Promise.all(Array.from({ length: 40 }, search))).every(({ status }) => status === 200),
        { timeoutMs: 10_000 },
      )
      await until('PostgreSQL is well', async () => (await readyz()).stores['postgres']?.ok)
      expectUntouched(before.pid, before.sockets)
    })
})

describe('MongoDB', () => {
  for (const [what, strike, heal] of [
    ['frozen', () => mongo.freeze(), () => mongo.thaw()],
    ['killed', () => mongo.kill(), () => mongo.restart()],
  ] as const)
    test(`${what}: sends are refused retryably within 5 s, reach their chat once when it is back`, async () => {
      const before = { pid: world.node(0).child.pid, sockets: [alice.socket.link, bob.socket.link] }
      await strike()
      const contents = Array.from({ length: 10 }, (_, i) => `${what}-${i}`)
      for (const refusal of await Promise.all(contents.map(post))) {
        expect([refusal.status, refusal.code]).toEqual([503, 'SERVICE_UNAVAILABLE'])
        expect(refusal.ms).toBeLessThan(5_000)
      }
      const ready = await readyz()
      expect([ready.code, ready.status, ready.stores['mongodb']?.ok]).toEqual([503, 'unavailable', false])
      expect((await fetch(`${world.url}/healthz`)).status).toBe(200)

      await heal()
      await until('a send is accepted', async () => (await post(contents[0] ?? '')).status < 300, {
        timeoutMs: 15_000,
      })
      for (const content of contents) expect((await post(content)).status).toBeLessThan(300)
      for (const content of contents) await bob.waitForText(content)
      const texts = bob.store.messages(chatId).map((message) => message.content)
      expect(new Set(texts).size).toBe(texts.length)
      expectUntouched(before.pid, before.sockets)
    })
})
