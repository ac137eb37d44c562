// All four stores at once, for whoever needs them: `npm start`, `npm test`, the benchmark.
import { mkdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { findMongod } from './mongo-binary.ts'
import { startMongo } from './mongo.ts'
import { hasObjects, startObjects } from './objects.ts'
import { findPostgres } from './postgres-binary.ts'
import { startPostgres } from './postgres.ts'
import { type BinarySearch, findRedisServer } from './redis-binary.ts'
import { type RunningStore, startRedis } from './redis.ts'
import { StoreError } from './store-error.ts'
import type { Log } from './supervise.ts'

export type StoreName = 'postgres' | 'mongodb' | 'redis' | 'objects'

export type StartStoresOptions = {
  dataDir: string
  log: Log
  /** Which ones to start; all four by default. */
  only?: StoreName[]
  /** Ports that are given and not chosen. */
  ports?: Partial<Record<StoreName, number>>
  /** Where downloaded servers are kept; by default the project's own folder. */
  binDir?: string
  systemPackages?: BinarySearch['systemPackages']
  mongoCacheGb?: number
  postgresConnectionsMax?: number
  /** Start a store again when it ends without having been asked to. */
  revive?: boolean
}

export type Stores = {
  /** The variables that a server or a test reads to reach the stores. */
  env: Record<string, string>
  children: { name: string; pid: number }[]
  /** Null where Redis was not started. */
  redisServerPath: string | null
  stop(): Promise<void>
}

type Started = { store: RunningStore; env: Record<string, string> }

const projectDir = join(import.meta.dirname, '../..')
const freeBytesMin = 200_000_000

/** Starts the stores side by side and returns how to reach them. When one fails, the others are stopped again. */
export async function startStores(options: StartStoresOptions): Promise<Stores> {
  const { dataDir, log, only = ['postgres', 'mongodb', 'redis', 'objects'] } = options
  await mkdir(dataDir, { recursive: true })
  await requireFreeSpace(dataDir)
  let redisServerPath: string | null = null
  const search: BinarySearch = {
    binDir: options.binDir ?? join(projectDir, '.data/bin'),
    systemPackages: options.systemPackages ?? (process.env.CI === 'true' ? 'last' : 'never'),
    log,
  }
  const starters: Record<StoreName, () => Promise<Started | null>> = {
    postgres: async () => {
      const binary = await findPostgres(projectDir, dataDir)
      const connectionsMax = options.postgresConnectionsMax ?? 200
      const store = await startPostgres({ dataDir, binary, connectionsMax, log, ...port('postgres') })
      return { store, env: { DATABASE_URL: store.url } }
    },
    mongodb: async () => {
      const mongod = await findMongod(search, dataDir)
      const cacheGb = options.mongoCacheGb ?? 0.5
      const store = await startMongo({ dataDir, mongod, cacheGb, log, ...port('mongodb') })
      return { store, env: { MONGODB_URL: store.url } }
    },
    redis: async () => {
      redisServerPath = await findRedisServer(search)
      const store = await startRedis({ dataDir, binary: redisServerPath, log, ...port('redis') })
      return { store, env: { REDIS_URL: store.url } }
    },
    objects: async () => {
      if (!(await hasObjects())) return null
      const store = await startObjects({ dataDir, log, ...port('objects') })
      const env = {
        S3_ENDPOINT: store.url,
        S3_BUCKET: store.bucket,
        S3_REGION: store.region,
        S3_ACCESS_KEY_ID: store.accessKeyId,
        S3_SECRET_ACCESS_KEY: store.secretAccessKey,
      }
      return { store, env }
    },
  }
  const ports = { ...options.ports }
  function port(name: StoreName): { port?: number } {
    const chosen = ports[name]
    return chosen === undefined ? {} : { port: chosen }
  }

  const results = await Promise.allSettled(
    only.map(async (name) => {
      const startedAt = performance.now()
      const started = await starters[name]()
      if (started) log(readyLine(started.store, startedAt))
      return started
    }),
  )
  const started = results.flatMap((result) =>
    result.status === 'fulfilled' && result.value ? [result.value] : [],
  )
  let isStopping = false
  const stop = async () => {
    isStopping = true
    await Promise.all(started.map(({ store }) => store.stop()))
  }
  const [failed, ...alsoFailed] = results.filter((result) => result.status === 'rejected')
  if (failed) {
    for (const { reason } of alsoFailed) log((reason as Error).message)
    await stop()
    throw failed.reason
  }
  for (const one of started) {
    ports[one.store.name as StoreName] = one.store.port
    if (options.revive) void keepAlive(one)
  }
  return {
    env: Object.assign({}, ...started.map(({ env }) => env)) as Record<string, string>,
    children: started.map(({ store: { name, pid } }) => ({ name, pid })),
    redisServerPath,
    stop,
  }

  // A store that dies comes back in its place, on its port and with its data, so that the server heals by itself.
  async function keepAlive(one: Started): Promise<void> {
    const { name } = one.store
    await one.store.exited
    if (isStopping) return
    log(`${name} has ended; starting it again`)
    const startedAt = performance.now()
    const revived = await revive(name as StoreName)
    if (!revived) return
    one.store = revived.store
    if (isStopping) return revived.store.stop()
    log(readyLine(revived.store, startedAt))
    return keepAlive(one)
  }

  async function revive(name: StoreName): Promise<Started | null> {
    for (;;) {
      await pause(1000)
      if (isStopping) return null
      try {
        return await starters[name]()
      } catch (err) {
        log((err as Error).message)
      }
    }
  }
}

/** Says in a sentence that the disk is full, before a store says it in its own words. */
export async function requireFreeSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= freeBytesMin) return
  throw new StoreError(
    `Only ${Math.floor((bavail * bsize) / 1_000_000)} MB are free on the disk of ${folder}`,
    `The stores need ${freeBytesMin / 1_000_000} MB. Free some space and start again.`,
  )
}

function readyLine(store: RunningStore, startedAt: number): string {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  return `${`${store.name} ${store.version}`.padEnd(24)} 127.0.0.1:${store.port}  ${seconds} s`
}
