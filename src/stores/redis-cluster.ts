/**
 * A Redis Cluster. Away means that any part of it is: whoever's partition is down would otherwise wait, and the log
 * serves everybody meanwhile.
 */
import { Cluster, Redis } from 'ioredis'
import type { Log } from '../lib/log.ts'
import { Partitions } from './redis-keys.ts'
import type { RedisConnections } from './redis.ts'
import {
  answers,
  CONNECTION_OPTIONS,
  destroyLine,
  logTrouble,
  readRunId,
  SUBSCRIBER_OPTIONS,
} from './redis-single.ts'

const REFRESH_MS = 5000

export function openCluster(urls: string[], partitions: number, log: Log): RedisConnections {
  const commands = new Cluster(urls, {
    redisOptions: CONNECTION_OPTIONS,
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: CONNECTION_OPTIONS.retryStrategy,
    maxRedirections: 4,
    retryDelayOnFailover: 100,
    retryDelayOnClusterDown: 100,
    slotsRefreshTimeout: 2000,
    slotsRefreshInterval: REFRESH_MS,
  })
  commands.on('error', (err: Error) => log.warn({ err }, 'redis cluster trouble'))
  const subscriber = openSubscriber(urls, log)
  /** By the connection, so that another connection to the same address is asked anew. */
  const runIds = new WeakMap<Redis, string>()
  const slots = new Map<string, number>()
  const masters = () => commands.nodes('master')
  const runId = (tag: string) => {
    const address = commands.slots[slots.get(tag) ?? -1]?.[0]
    const master = masters().find(({ options }) => `${options.host}:${options.port}` === address)
    return master?.status === 'ready' ? (runIds.get(master) ?? null) : null
  }
  return {
    commands,
    subscriber,
    partitions,
    runId,
    connect: async () => {
      const ready = new Promise<void>((resolve) => commands.once('ready', () => resolve()))
      await Promise.all([
        subscriber.connect(),
        // The driver leaves this promise open where it had to try twice.
        Promise.race([ready, commands.connect()]),
      ])
    },
    probe: async () => {
      const [first] = masters()
      if (!first) throw new Error('no master of the cluster is known')
      if (slots.size === 0)
        for (const tag of new Partitions(partitions).tags) slots.set(tag, await first.cluster('KEYSLOT', tag))
      await Promise.all([
        answers(subscriber),
        ...masters().map(async (master) => {
          if (runIds.has(master)) await master.ping()
          else {
            // A connection that breaks may find another process behind the same address.
            master.once('close', () => runIds.delete(master))
            runIds.set(master, await readRunId(master))
          }
        }),
      ])
      // A member that died is soon none of the driver's any more, and nobody else holds its partitions.
      for (const tag of slots.keys()) if (runId(tag) === null) throw new Error('a partition is away')
    },
    drop: () => {
      for (const client of [subscriber, ...commands.nodes()]) destroyLine(client)
    },
  }
}

/** Hears any member, since a cluster passes on to all of them; where one does not answer, the next one is tried. */
function openSubscriber(urls: string[], log: Log): Redis {
  const addresses = urls.map((url) => new URL(url))
  let turn = 0
  const subscriber: Redis = new Redis(urls[0] ?? '', {
    ...SUBSCRIBER_OPTIONS,
    retryStrategy: (attempt) => {
      turn += 1
      const next = addresses[turn % addresses.length]
      if (next) {
        subscriber.options.host = next.hostname
        subscriber.options.port = Number(next.port || 6379)
      }
      return CONNECTION_OPTIONS.retryStrategy(attempt)
    },
  })
  logTrouble([subscriber], log)
  return subscriber
}
