import postgres from 'postgres'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { User } from '../src/client/model.ts'
import { withPath } from './support/databases.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

vi.setConfig({ testTimeout: 60_000 })

/** What a read may be late at most, and a moment for the read itself. */
const LATE_MS = 3_500

let world: World
let alice: Phone
let bob: Phone

beforeAll(async () => {
  world = await startWorld({ postgres: 'replica' })
  ;[alice, bob] = await world.phones('alice', 'bob')
  await bob.client.request('PATCH', '/api/users/me', { body: { username: 'bob_the_first' } })
  await usable(1)
  await until('the search finds bob', async () => (await search('bob_the')).length === 1)
})
afterAll(async () => {
  await world?.close()
})

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${world.url}/metrics`)).text()
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `))
  return Number(line?.split(' ')[1] ?? 0)
}

const reads = (): Promise<number> => metric('parley_store_commands_total{store="postgres_replica"}')
const usable = (wanted: 0 | 1): Promise<boolean> =>
  until(`usable is ${wanted}`, async () => (await metric('parley_postgres_replica_usable')) === wanted)
const search = (query: string): Promise<User[]> =>
  alice.client.get<User[]>(`/api/users/search?query=${query}`)
const profile = (phone: Phone): Promise<User> => alice.client.get<User>(`/api/users/${phone.userId}`)
const rename = (fullName: string): Promise<unknown> =>
  bob.client.request('PATCH', '/api/users/me', { body: { fullName } })

/** Asks the replica's own server, as its administrator. */
async function onReplica<T>(ask: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const name = new URL(world.env['DATABASE_URL'] ?? '').pathname.slice(1)
  const sql = postgres(withPath(world.postgres.replicaUrl, name), { max: 1, onnotice: () => {} })
  try {
    return await ask(sql)
  } finally {
    await sql.end()
  }
}

test('the replica streams, and answers searches and profiles', async () => {
  const [row] = await onReplica((sql) => sql`SELECT pg_is_in_recovery() AS "isReplica" FROM users LIMIT 1`)
  expect(row?.isReplica).toBe(true)
  const before = await reads()
  // The probe asks once a second too; twenty of each are far more than that.
  for (let i = 0; i < 20; i += 1) {
    expect((await search('bob_the')).map((user) => user.id)).toEqual([bob.userId])
    expect((await profile(bob)).fullName).toBe('bob')
  }
  expect((await reads()) - before).toBeGreaterThanOrEqual(40)
})

test('what was just written is there: a new user by id and by number, and everyone their own name', async () => {
  await onReplica((sql) => sql`SELECT pg_wal_replay_pause()`)
  try {
    const carol = await world.phone('carol', { isOffline: true })
    expect((await profile(carol)).fullName).toBe('carol')
    expect((await search(encodeURIComponent(carol.phoneNumber))).map((user) => user.id)).toEqual([
      carol.userId,
    ])
    await rename('bob renamed')
    expect((await bob.client.get<User>('/api/users/me')).fullName).toBe('bob renamed')
    expect((await bob.client.get<User>(`/api/users/${bob.userId}`)).fullName).toBe('bob renamed')
  } finally {
    await onReplica((sql) => sql`SELECT pg_wal_replay_resume()`)
  }
  await usable(1)
})

test('a block acts at once, however late the replica is', async () => {
  await bob.client.request('PUT', '/api/users/me/privacy', { body: { lastSeen: 'everyone' } })
  await onReplica((sql) => sql`SELECT pg_wal_replay_pause()`)
  try {
    await bob.client.post(`/api/users/${alice.userId}/block`, {})
    const seen = await profile(bob)
    expect([seen.isOnline, seen.lastSeen]).toEqual([null, null])
  } finally {
    await onReplica((sql) => sql`SELECT pg_wal_replay_resume()`)
    await bob.client.request('DELETE', `/api/users/${alice.userId}/block`)
  }
  await usable(1)
})

test('a replica that stands still is late by three seconds at most, then the primary answers', async () => {
  await onReplica((sql) => sql`SELECT pg_wal_replay_pause()`)
  try {
    await rename('bob anew')
    const renamedAt = performance.now()
    await until('the new name is seen', async () => (await profile(bob)).fullName === 'bob anew', {
      timeoutMs: LATE_MS,
    })
    expect(performance.now() - renamedAt).toBeLessThan(LATE_MS)
    await usable(0)
  } finally {
    await onReplica((sql) => sql`SELECT pg_wal_replay_resume()`)
  }
  await usable(1)
})

test('kill -9 of the replica: every read is answered, and it serves again when it is back', async () => {
  await world.postgres.replica.kill()
  for (let i = 0; i < 10; i += 1) {
    const startedAt = performance.now()
    expect((await search('bob_the')).map((user) => user.id)).toEqual([bob.userId])
    expect((await profile(bob)).id).toBe(bob.userId)
    expect(performance.now() - startedAt).toBeLessThan(4_000)
  }
  await usable(0)
  await world.postgres.replica.restart()
  await usable(1)
  const before = await reads()
  for (let i = 0; i < 20; i += 1) await profile(bob)
  expect((await reads()) - before).toBeGreaterThanOrEqual(20)
})
