/** One Redis server, or whatever looks like one: one connection for commands, one for subscriptions. */
import { Redis } from 'ioredis'
import type { Log } from '../lib/log.ts'
import type { RedisConnections } from './redis.ts'

export const CONNECTION_OPTIONS = {
  connectTimeout: 4000,
  commandTimeout: 2000,
  disconnectTimeout: 200,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResubscribe: true,
  retryStrategy: (attempt: number) => Math.min(attempt * 50, 500) * (0.75 + Math.random() / 2),
  lazyConnect: true,
}

/** Subscriptions are asked for while the connection is still on its way. */
export const SUBSCRIBER_OPTIONS = {
  ...CONNECTION_OPTIONS,
  maxRetriesPerRequest: null,
  enableOfflineQueue: true,
}

export function openSingle(url: string, log: Log): RedisConnections {
  const commands = new Redis(url, CONNECTION_OPTIONS)
  const subscriber = new Redis(url, SUBSCRIBER_OPTIONS)
  logTrouble([commands, subscriber], log)
  let runId: string | null = null
  commands.on('close', () => {
    runId = null
  })
  return {
    commands,
    subscriber,
    partitions: 1,
    runId: () => runId,
    connect: async () => {
      await Promise.all([commands.connect(), subscriber.connect()])
    },
    probe: async () => {
      // Without the run id nothing can be told, so Redis is not back before it is known.
      const [id] = await Promise.all([runId ?? readRunId(commands), commands.ping(), answers(subscriber)])
      runId = commands.status === 'ready' ? id : null
    },
    drop: () => {
      for (const client of [commands, subscriber]) destroyLine(client)
    },
  }
}

export async function readRunId(client: Redis): Promise<string> {
  const found = /run_id:(\w+)/.exec(await client.info('server'))
  if (!found?.[1]) throw new Error('redis did not name its run')
  return found[1]
}

/** A subscriber that is not connected would queue the question. */
export async function answers(subscriber: Redis): Promise<void> {
  if (subscriber.status !== 'ready') throw new Error('the subscriber is not connected')
  await subscriber.ping()
}

/** Cuts the line now: an orderly end would wait for a peer that stands still. The driver connects again. */
export function destroyLine(client: Redis): void {
  if (client.status === 'ready' || client.status === 'connect') client.stream.destroy()
}

/** One line per kind of trouble: a dead Redis would otherwise fill the log with every retry. */
export function logTrouble(clients: Redis[], log: Log): void {
  let last = ''
  for (const client of clients) {
    client.on('error', (err: Error) => {
      if (err.message !== last) log.warn({ err }, 'redis trouble')
      last = err.message
    })
    client.on('ready', () => {
      last = ''
    })
  }
}
