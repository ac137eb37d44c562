// Stores of several members, for a test alone. They live in the folder of the run, so that whatever is left of a
// killed one is found and ended by the next.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Member } from '../../scripts/stores/member.ts'
import { findMongod } from '../../scripts/stores/mongo-binary.ts'
import { type MongoSet, startMongoSet } from '../../scripts/stores/mongo-set.ts'
import { findPostgres } from '../../scripts/stores/postgres-binary.ts'
import { startPostgresPrimary, startPostgresReplica } from '../../scripts/stores/postgres-replica.ts'
import { type RedisCluster, startRedisCluster } from '../../scripts/stores/redis-cluster.ts'

/** A MongoDB replica set of three. Its `stop` removes its data. */
export async function startThreeMongods(): Promise<MongoSet> {
  const { dataDir, remove } = await ownFolder('mongo')
  const binDir = join(import.meta.dirname, '../../.data/bin')
  const mongod = await findMongod({ binDir, systemPackages: 'never', log: () => {} }, dataDir)
  const set = await startMongoSet({ dataDir, mongod, members: 3 })
  return { ...set, stop: () => set.stop().then(remove) }
}

/** A Redis Cluster of three masters. Its `stop` removes its data. */
export async function startThreeRedises(): Promise<RedisCluster> {
  const { dataDir, remove } = await ownFolder('redis')
  const binary = process.env['REDIS_SERVER'] ?? 'redis-server'
  const cluster = await startRedisCluster({ dataDir, binary })
  return { ...cluster, stop: () => cluster.stop().then(remove) }
}

export type PostgresPair = { url: string; replica: Member; replicaUrl: string; stop: () => Promise<void> }

/** A PostgreSQL and one that streams from it. Its `stop` removes their data. */
export async function startPostgresPair(): Promise<PostgresPair> {
  const { dataDir, remove } = await ownFolder('postgres')
  const binary = await findPostgres(join(import.meta.dirname, '../..'), dataDir)
  const primary = await startPostgresPrimary({ dataDir, binary })
  try {
    const start = (port?: number) =>
      startPostgresReplica({ dataDir, binary, ...(port === undefined ? {} : { port }) }, primary)
    const first = await start()
    const replica = new Member(first, start)
    const stop = async () => {
      await replica.stop()
      await primary.stop()
      await remove()
    }
    return { url: primary.url, replica, replicaUrl: first.url, stop }
  } catch (err) {
    await primary.stop()
    throw err
  }
}

async function ownFolder(name: string): Promise<{ dataDir: string; remove: () => Promise<void> }> {
  const runDir = process.env['TEST_RUN_DIR']
  if (runDir === undefined) throw new Error('TEST_RUN_DIR is missing: run the tests by npm test')
  const dataDir = await mkdtemp(join(runDir, `${name}-`))
  return { dataDir, remove: () => rm(dataDir, { recursive: true, force: true }) }
}
