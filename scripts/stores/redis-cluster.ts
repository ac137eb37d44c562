// A Redis Cluster on this machine: masters that share all slots, without replicas, since nothing in it is the truth.
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Member } from './member.ts'
import { freePort, isPortFree } from './ports.ts'
import { type RedisOptions, startRedis } from './redis.ts'
import { StoreError } from './store-error.ts'

const slotCount = 16_384
const busPortOffset = 10_000
const settleMs = 20_000

export type RedisClusterOptions = Omit<RedisOptions, 'port' | 'name'> & { masters?: number }

export type RedisCluster = {
  members: Member[]
  /** Names all members, as MongoDB's URL does: any of them may be away when a client starts. */
  url: string
  /** The member that holds a key. */
  holderOf(key: string): Promise<Member>
  /** Empties all members. */
  flush(): Promise<void>
  /** Waits until every member that runs counts all slots as served. */
  settled(): Promise<void>
  stop(): Promise<void>
}

/** Starts the masters, gives each its share of the slots, and waits until all of them agree on it. */
export async function startRedisCluster(options: RedisClusterOptions): Promise<RedisCluster> {
  const { masters = 3 } = options
  const members: Member[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.stop()))
  }
  const cluster: RedisCluster = {
    members,
    get url() {
      return `redis://${members.map(({ host }) => host).join(',')}`
    },
    holderOf: (key) => holderOf(members, key),
    flush: async () => {
      await Promise.all(members.map((member) => ask(member, (redis) => redis.flushall())))
    },
    settled: () => settled(members),
    stop,
  }
  try {
    // One after the other, so that two do not choose ports that meet in the other's bus.
    for (let number = 1; number <= masters; number += 1) members.push(await startMember(options, number))
    await join(members)
    await settled(members)
  } catch (err) {
    await stop()
    throw err
  }
  return cluster
}

async function startMember(options: RedisClusterOptions, number: number): Promise<Member> {
  const { args = [] } = options
  // A member that starts again finds its name and its slots in that file, though none of its keys.
  const cluster = ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf']
  const timing = ['--cluster-node-timeout', '2000']
  const start = (port: number) =>
    startRedis({
      ...options,
      name: `redis-${number}`,
      port,
      args: [...cluster, ...timing, ...args],
    })
  return new Member(await start(await clusterPort()), start)
}

/** Members speak to one another ten thousand ports above the one for clients. */
async function clusterPort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = await freePort()
    if (port + busPortOffset <= 65_535 && (await isPortFree(port + busPortOffset))) return port
  }
  throw new StoreError('No port is free for a Redis Cluster', 'End what holds the ports above 32768.')
}

async function join(members: Member[]): Promise<void> {
  const [first] = members
  if (!first) throw new Error('a cluster has at least one member')
  const share = Math.ceil(slotCount / members.length)
  for (const [index, member] of members.entries()) {
    const slots = Array.from({ length: slotCount }, (_, slot) => slot).slice(
      index * share,
      (index + 1) * share,
    )
    await ask(member, async (redis) => {
      // Data of an earlier start names members whose ports are others now.
      await redis.cluster('RESET', 'HARD')
      await redis.cluster('ADDSLOTS', ...slots)
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    })
  }
  for (const member of members.slice(1))
    await ask(member, (redis) => redis.cluster('MEET', '127.0.0.1', first.port))
}

async function settled(members: Member[]): Promise<void> {
  const deadline = Date.now() + settleMs
  const running = members.filter((member) => !member.hasExited())
  const isWhole = async (member: Member): Promise<boolean> => {
    const info = await ask(member, (redis) => redis.cluster('INFO')).catch(() => '')
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${members.length}\r`)
  }
  while (!(await Promise.all(running.map(isWhole))).every(Boolean)) {
    if (Date.now() > deadline) throw new StoreError('The Redis Cluster does not settle', 'See its logs.')
    await pause(50)
  }
}

async function holderOf(members: Member[], key: string): Promise<Member> {
  const anyone = members.find((member) => !member.hasExited())
  if (!anyone) throw new Error('no member runs')
  const slot = await ask(anyone, (redis) => redis.cluster('KEYSLOT', key))
  const found = members[Math.floor(slot / Math.ceil(slotCount / members.length))]
  if (!found) throw new Error(`nobody holds slot ${slot}`)
  return found
}

async function ask<T>(member: Member, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(member.port, '127.0.0.1', {
    lazyConnect: true,
    retryStrategy: () => null,
    commandTimeout: 2000,
  })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}
