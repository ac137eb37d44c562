// Stores of several members, for a test alone. They live in the folder of the run, so that whatever is left of a
// killed one is found and ended by the next.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findMongod } from '../../scripts/stores/mongo-binary.ts'
import { type MongoSet, startMongoSet } from '../../scripts/stores/mongo-set.ts'
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

async function ownFolder(name: string): Promise<{ dataDir: string; remove: () => Promise<void> }> {
  const runDir = process.env['TEST_RUN_DIR']
  if (runDir === undefined) throw new Error('TEST_RUN_DIR is missing: run the tests by npm test')
  const dataDir = await mkdtemp(join(runDir, `${name}-`))
  return { dataDir, remove: () => rm(dataDir, { recursive: true, force: true }) }
}
