// The stores of a world: a replica set, a PostgreSQL and two Redis servers, each of which can be killed, frozen and
// started again in its place.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { rememberPort } from '../../stores/chosen-port.ts'
import { Member } from '../../stores/member.ts'
import { findMongod } from '../../stores/mongo-binary.ts'
import { type MongoSet, startMongoSet } from '../../stores/mongo-set.ts'
import { findPostgres } from '../../stores/postgres-binary.ts'
import { startPostgres } from '../../stores/postgres.ts'
import { findRedisServer } from '../../stores/redis-binary.ts'
import { startRedis } from '../../stores/redis.ts'
import type { Log } from '../../stores/supervise.ts'
import { startStores, type Stores } from '../../stores/start-stores.ts'
import type { Ports } from './ports.ts'

export type StoresOptions = { folder: string; mongoMembers: number; ports: Ports; log: Log }

export type TortureStores = {
  mongo: MongoSet
  postgres: Member
  /** The first is the one in use until they are swapped. */
  redis: RedisServer[]
  /** What a node needs to reach them all. */
  env: Record<string, string>
  stop(): Promise<void>
}

const projectDir = join(import.meta.dirname, '../../..')

/** A Redis that keeps nothing by itself, and comes back with an old snapshot or empty, as is wanted. */
export class RedisServer {
  readonly member: Member
  readonly #snapshot: string

  constructor(member: Member, folder: string) {
    this.member = member
    this.#snapshot = join(folder, 'dump.rdb')
  }

  /** Keeps what is there now for the next start. */
  async save(): Promise<void> {
    await this.ask((redis) => redis.save())
  }

  async restart(how: 'empty' | 'saved'): Promise<void> {
    if (how === 'empty') await rm(this.#snapshot, { force: true })
    await this.member.restart()
  }

  async ask<T>(ask: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.member.port, '127.0.0.1', {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    redis.on('error', () => {})
    try {
      await redis.connect()
      return await ask(redis)
    } finally {
      redis.disconnect()
    }
  }
}

/** Starts them side by side. When one fails, the others are stopped again. */
export async function startTortureStores(options: StoresOptions): Promise<TortureStores> {
  const { folder, log } = options
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(stops.map((each) => each()))
  }
  const keep = <T extends { stop(): Promise<void> }>(started: T): T => {
    stops.push(() => started.stop())
    return started
  }
  const results = await Promise.allSettled([
    startMongo(options).then(keep),
    startPostgresMember(options).then(keep),
    startRedisServer(options, 'redis', keep),
    startRedisServer(options, 'redis-spare', keep),
    startStores({ dataDir: folder, log, only: ['objects'] }).then(keep<Stores>),
  ])
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) {
    await stop()
    throw failed.reason
  }
  const [mongo, postgres, first, second, objects] = results.map(
    (result) => result.status === 'fulfilled' && result.value,
  ) as [MongoSet, { member: Member; url: string } & Stoppable, RedisServer, RedisServer, Stores]
  const env = {
    ...objects.env,
    DATABASE_URL: postgres.url,
    MONGODB_URL: mongo.url,
    REDIS_URL: `redis://127.0.0.1:${first.member.port}`,
  }
  return { mongo, postgres: postgres.member, redis: [first, second], env, stop }
}

type Stoppable = { stop(): Promise<void> }

async function startMongo({ folder, mongoMembers, ports, log }: StoresOptions): Promise<MongoSet> {
  const mongod = await findMongod(search(log), folder)
  await mkdir(join(folder, 'run'), { recursive: true })
  for (let number = 1; number <= mongoMembers; number += 1) {
    await rememberPort(folder, `mongodb-${number}`, await ports.take())
  }
  return startMongoSet({ dataDir: folder, mongod, members: mongoMembers, log })
}

async function startPostgresMember(
  options: StoresOptions,
): Promise<{ member: Member; url: string } & Stoppable> {
  const { folder, ports, log } = options
  const binary = await findPostgres(projectDir, folder)
  const start = (port: number) => startPostgres({ dataDir: folder, binary, port, log })
  const running = await start(await ports.take())
  const member = new Member(running, start)
  return { member, url: running.url, stop: () => member.stop() }
}

async function startRedisServer(
  { folder, ports, log }: StoresOptions,
  name: string,
  keep: (started: Member) => Member,
): Promise<RedisServer> {
  const binary = await findRedisServer(search(log))
  const start = (port: number) => startRedis({ dataDir: folder, binary, name, port, log })
  const member = keep(new Member(await start(await ports.take()), start))
  return new RedisServer(member, join(folder, name))
}

function search(log: Log): Parameters<typeof findRedisServer>[0] {
  return { binDir: join(projectDir, '.data/bin'), systemPackages: 'never', log }
}
