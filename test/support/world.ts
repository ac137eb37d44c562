// Everything a test needs, made for it alone: databases, a Redis, server processes, people.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { MongoSet } from '../../scripts/stores/mongo-set.ts'
import type { RedisCluster } from '../../scripts/stores/redis-cluster.ts'
import { createDatabases, withPath } from './databases.ts'
import { type PostgresPair, startPostgresPair, startThreeMongods, startThreeRedises } from './own-stores.ts'
import { Phone, type PhoneOptions } from './phone.ts'
import { RedisChild } from './redis-child.ts'
import { ServerNode } from './server-node.ts'

export type WorldOptions = {
  nodes?: number
  /** A node each with those ROLES, instead of `nodes` that do everything. */
  roles?: string[]
  env?: Record<string, string>
  /** A MongoDB replica set of three for this world alone; otherwise a database on the run's own. */
  mongo?: 3
  /** A PostgreSQL of this world alone, with a replica that the nodes know. */
  postgres?: 'replica'
  /** Three masters instead of one server. */
  redis?: 'cluster'
}

export type World = {
  readonly redis: RedisChild
  /** Where the world was asked for with `redis: 'cluster'`. */
  readonly redisCluster: RedisCluster
  /** Where the world was asked for with `mongo: 3`. */
  readonly mongo: MongoSet
  /** Where the world was asked for with `postgres: 'replica'`. */
  readonly postgres: PostgresPair
  readonly env: Record<string, string>
  /** The first node's URL. */
  readonly url: string
  node(index: number): ServerNode
  phone(name: string, options?: PhoneOptions & { node?: number }): Promise<Phone>
  /** Registers people at the first node, all at once. */
  phones<N extends string[]>(...names: N): Promise<{ [K in keyof N]: Phone }>
  close(): Promise<void>
}

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const mongo = options.mongo === undefined ? null : await startThreeMongods()
  const postgres = options.postgres === undefined ? null : await startPostgresPair()
  const databases = await createDatabases({ postgres: postgres?.url, mongodb: mongo?.url })
  const redisCluster = options.redis === 'cluster' ? await startThreeRedises() : null
  const redis = redisCluster === null ? await RedisChild.start() : null
  const redisUrl = redisCluster?.url ?? redis?.url ?? ''
  const env = {
    ...nodeEnv(databases.databaseUrl, databases.mongodbUrl, redisUrl),
    ...(postgres && { DATABASE_REPLICA_URL: withPath(postgres.replicaUrl, databases.name) }),
    ...options.env,
  }
  const nodes: ServerNode[] = []
  const people: Phone[] = []

  const node = (index: number): ServerNode => {
    const found = nodes[index]
    if (found === undefined) throw new Error(`this world has ${nodes.length} nodes`)
    return found
  }

  const phone: World['phone'] = async (name, phoneOptions = {}) => {
    const registered = await Phone.register(node(phoneOptions.node ?? 0).url, name, phoneOptions)
    people.push(registered)
    return registered
  }

  const close = async (): Promise<void> => {
    await Promise.all(people.map((person) => person.offline()))
    await Promise.all(nodes.map((server) => server.kill9()))
    await Promise.all([redis?.kill9(), redisCluster?.stop(), mongo?.stop(), postgres?.stop()])
    await databases.drop()
  }

  try {
    // One after the other: the first one migrates, the next ones find everything done.
    for (const own of nodesOf(options)) {
      const server = await ServerNode.create({ ...env, ...own })
      nodes.push(server)
      await server.start()
    }
  } catch (err) {
    await close()
    throw err
  }

  const phones: World['phones'] = async (...names) =>
    (await Promise.all(names.map((name) => phone(name)))) as { [K in keyof typeof names]: Phone }

  return {
    get redis() {
      return asked('a Redis that is no cluster', redis)
    },
    get redisCluster() {
      return asked("redis: 'cluster'", redisCluster)
    },
    get mongo() {
      return asked('mongo: 3', mongo)
    },
    get postgres() {
      return asked("postgres: 'replica'", postgres)
    },
    env,
    url: node(0).url,
    node,
    phone,
    phones,
    close,
  }
}

function asked<T>(what: string, found: T | null): T {
  if (found === null) throw new Error(`this world was not asked for with ${what}`)
  return found
}

/** What is each node's own in its environment. */
function nodesOf({ nodes = 1, roles }: WorldOptions): Record<string, string>[] {
  return roles ? roles.map((role) => ({ ROLES: role })) : Array.from({ length: nodes }, () => ({}))
}

function nodeEnv(databaseUrl: string, mongodbUrl: string, redisUrl: string): Record<string, string> {
  const passed = ['PATH', 'HOME', 'S3_ENDPOINT', 'S3_BUCKET', 'S3_REGION']
  const secrets = ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY']
  const outside = [...passed, ...secrets].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  return {
    ...(Object.fromEntries(outside) as Record<string, string>),
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    MONGODB_URL: mongodbUrl,
    REDIS_URL: redisUrl,
    RATE_LIMITS: 'off',
    ID_SECRET: randomBytes(32).toString('hex'),
    JWT_PRIVATE_KEYS: JSON.stringify([signingKey()]),
    LOG_LEVEL: 'info',
  }
}

function signingKey(): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    ...privateKey.export({ format: 'jwk' }),
    kid: randomBytes(8).toString('hex'),
    alg: 'ES256',
    use: 'sig',
  }
}
