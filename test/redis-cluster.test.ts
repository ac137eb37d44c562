import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RedisCluster } from '../scripts/stores/redis-cluster.ts'
import { startThreeRedises } from './support/own-stores.ts'
import { until } from './support/until.ts'

let cluster: RedisCluster
let client: Cluster

beforeAll(async () => {
  cluster = await startThreeRedises()
  client = new Cluster(cluster.members.map(({ port }) => ({ host: '127.0.0.1', port })))
})
afterAll(async () => {
  client?.disconnect()
  await cluster?.stop()
})

const names = Array.from({ length: 60 }, (_, i) => `key:${i}`)

test('three masters hold all 16384 slots between them', async () => {
  const ranges = (await client.cluster('SLOTS')) as [from: number, to: number, ...nodes: unknown[]][]
  expect(ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)).toBe(16_384)
  await Promise.all(names.map((name) => client.set(name, name)))
  const holders = new Set(await Promise.all(names.map(async (name) => (await cluster.holderOf(name)).name)))
  expect(holders.size).toBe(3)
})

test('a killed member comes back on its port with its slots and without its keys; the others keep theirs', async () => {
  await Promise.all(names.map((name) => client.set(name, name)))
  const lost = await cluster.holderOf('key:1')
  const port = lost.port
  await lost.kill()
  await lost.restart()
  await cluster.settled()
  expect(lost.port).toBe(port)
  const kept = await Promise.all(
    names.map(async (name) => ((await cluster.holderOf(name)) === lost ? null : name)),
  )
  const read = await until('the cluster answers', () => Promise.all(names.map((name) => client.get(name))))
  expect(read).toEqual(kept)
  await client.set('key:1', 'again')
  expect(await client.get('key:1')).toBe('again')
})

test('flush empties every member', async () => {
  await Promise.all(names.map((name) => client.set(name, name)))
  await cluster.flush()
  expect(await Promise.all(names.map((name) => client.exists(name)))).toEqual(names.map(() => 0))
})
