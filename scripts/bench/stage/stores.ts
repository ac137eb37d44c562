// The stores of a run: started for it, with one or three members of MongoDB, or given by the environment.
import { join } from 'node:path'
import { findMongod } from '../../stores/mongo-binary.ts'
import { startMongoSet } from '../../stores/mongo-set.ts'
import { startStores } from '../../stores/start-stores.ts'
import type { Pids } from '../sampling/cpu.ts'

export type BenchStores = {
  env: { DATABASE_URL: string; MONGODB_URL: string; REDIS_URL: string }
  /** Empty for stores that were given: their processes are not known. */
  pids: Pids
  stop: () => Promise<void>
}

export type StoresNeeds = {
  dataDir: string
  members: 1 | 3
  mongoCacheGb: number
  log: (line: string) => void
}

const NAMES = ['DATABASE_URL', 'MONGODB_URL', 'REDIS_URL'] as const

export async function openStores(needs: StoresNeeds): Promise<BenchStores> {
  const given = NAMES.filter((name) => process.env[name] !== undefined)
  if (given.length === NAMES.length) return { env: envOf(process.env), pids: {}, stop: async () => {} }
  if (given.length > 0) throw new Error(`set all of ${NAMES.join(', ')}, or none`)
  const { dataDir, log, mongoCacheGb } = needs
  if (needs.members === 1) {
    const stores = await startStores({
      dataDir,
      log,
      mongoCacheGb,
      only: ['postgres', 'mongodb', 'redis'],
    })
    return { env: envOf(stores.env), pids: pidsOf(stores.children), stop: () => stores.stop() }
  }
  const binDir = join(import.meta.dirname, '../../../.data/bin')
  const mongod = await findMongod({ binDir, systemPackages: 'never', log }, dataDir)
  const set = await startMongoSet({ dataDir, mongod, members: needs.members, cacheGb: mongoCacheGb, log })
  log(`mongodb ${set.version}, ${set.members.length} members`)
  const stores = await startStores({ dataDir, log, only: ['postgres', 'redis'] }).catch(
    async (err: unknown) => {
      await set.stop()
      throw err
    },
  )
  return {
    env: envOf({ ...stores.env, MONGODB_URL: set.url }),
    pids: { ...pidsOf(stores.children), mongodb: set.members.map(({ pid }) => pid) },
    stop: async () => {
      await Promise.all([set.stop(), stores.stop()])
    },
  }
}

const pidsOf = (children: { name: string; pid: number }[]): Pids =>
  Object.fromEntries(children.map(({ name, pid }) => [name, [pid]]))

function envOf(env: Record<string, string | undefined>): BenchStores['env'] {
  const { DATABASE_URL = '', MONGODB_URL = '', REDIS_URL = '' } = env
  return { DATABASE_URL, MONGODB_URL, REDIS_URL }
}
