/**
 * Redis: connections for commands, one for subscriptions; it may vanish at any moment and nothing waits for it long.
 * One server, or a cluster where the URL lists several: users are then spread over partitions, and each script works
 * on one of them.
 */
import { readFileSync } from 'node:fs'
import type { ChainableCommander, Cluster, Redis, RedisCommander, Result } from 'ioredis'
import type { Log } from '../lib/log.ts'
import { within } from '../lib/within.ts'
import { countCommand } from './metrics.ts'
import { openCluster } from './redis-cluster.ts'
import { RedisHealth } from './redis-health.ts'
import { Partitions } from './redis-keys.ts'
import { openSingle } from './redis-single.ts'

declare module 'ioredis' {
  // The type parameter is the driver's own; its declaration has to be repeated to add commands to it.
  // oxlint-disable-next-line typescript/no-unused-vars
  interface RedisCommander<Context> {
    attach(tag: string, ...args: Array<string | number>): Result<unknown, Context>
    detach(tag: string, node: string, ...userIds: string[]): Result<unknown, Context>
    whisper(tag: string, users: string, payload: string): Result<unknown, Context>
    fanout(tag: string, ...args: Array<string | number>): Result<unknown, Context>
    unreadPut(keyCount: number, ...keysTokenCounts: string[]): Result<unknown, Context>
    presence(key: string, ...args: Array<string | number>): Result<unknown, Context>
    hit(key: string, limit: number, windowSeconds: number): Result<[count: number, resetMs: number], Context>
  }
}

/** The scripts beside this file, by the name of their command, and how many keys each takes. */
const SCRIPTS = {
  attach: { file: 'attach', keys: 1 },
  detach: { file: 'detach', keys: 1 },
  whisper: { file: 'whisper', keys: 1 },
  fanout: { file: 'fanout', keys: 1 },
  unreadPut: { file: 'unread-put', keys: null },
  presence: { file: 'presence', keys: 1 },
  hit: { file: 'hit', keys: 1 },
}

/** How long a start waits for a Redis that does not answer; it goes on without. */
const CONNECT_MS = 4000

export type Commands = RedisCommander & { pipeline(): ChainableCommander }

/** The connections to one Redis or to a cluster, as the two kinds of them have to show themselves. */
export interface RedisConnections {
  commands: Redis | Cluster
  subscriber: Redis
  partitions: number
  /** `run_id` of the server that holds the partition; another one means that keys may be lost. Null while away. */
  runId(tag: string): string | null
  connect(): Promise<void>
  /** Asks every server whether it answers, and learns the run ids that are not known. Rejects where one does not. */
  probe(): Promise<void>
  /** Gives up connections that are open and answer nothing, so that what waits on them fails now. */
  drop(): void
}

export interface RedisStore {
  commands: Commands
  subscriber: Redis
  partitions: Partitions
  runId(tag: string): string | null
  /** False from the moment that a connection breaks or a server stops answering. */
  isBack(): boolean
  /** Hears when Redis goes away and when it is back. */
  onHealth(listener: (back: boolean) => void): void
  /** Tries once; a Redis that is away is retried in the background and does not stop the start. */
  connect(): Promise<void>
  ping(): Promise<void>
  close(): Promise<void>
}

/** A URL that names several hosts, as those of MongoDB do, is that of a cluster. */
export function openRedis(url: string, partitions: number, log: Log): RedisStore {
  const urls = hostsOf(url)
  const connections = urls.length === 1 ? openSingle(url, log) : openCluster(urls, partitions, log)
  const { commands, subscriber } = connections
  const health = new RedisHealth(connections)
  for (const [name, { file, keys }] of Object.entries(SCRIPTS))
    commands.defineCommand(name, { ...(keys === null ? {} : { numberOfKeys: keys }), lua: loadScript(file) })
  countRoundTrips(commands)
  if (commands.isCluster) refuseWhileAway(commands, () => health.back)
  return {
    commands,
    subscriber,
    partitions: new Partitions(connections.partitions),
    runId: (tag) => connections.runId(tag),
    isBack: () => health.back,
    onHealth: (listener) => health.listeners.push(listener),
    connect: async () => {
      await within(CONNECT_MS, connections.connect()).catch((err: unknown) =>
        log.warn({ err }, 'redis is away at start'),
      )
      await health.start()
    },
    ping: () => (health.back ? connections.probe() : Promise.reject(new Error('redis is away'))),
    close: () => {
      health.close()
      commands.disconnect()
      subscriber.disconnect()
      return Promise.resolve()
    },
  }
}

/** A cluster's driver tries on and on where a member is away; a single connection refuses by itself. */
function refuseWhileAway(cluster: Redis | Cluster, isBack: () => boolean): void {
  const send = cluster.sendCommand.bind(cluster)
  cluster.sendCommand = (...args: Parameters<Redis['sendCommand']>) => {
    const [command] = args
    // On its way to being ready it asks for itself.
    if (isBack() || cluster.status !== 'ready') return send(...args)
    command.reject(new Error('redis is away'))
    return command.promise
  }
}

function hostsOf(url: string): string[] {
  const [, before = '', hosts = '', after = ''] = /^(\w+:\/\/(?:[^@/]*@)?)([^/]*)(.*)$/.exec(url) ?? []
  return hosts.split(',').map((host) => `${before}${host}${after}`)
}

/** Commands written in one tick share a packet; a pipeline is one round trip, and so is a single command. */
function countRoundTrips(client: Redis | Cluster): void {
  const send = client.sendCommand.bind(client)
  let counted = false
  client.sendCommand = (...args: Parameters<Redis['sendCommand']>) => {
    if (!counted) {
      counted = true
      countCommand('redis')
      queueMicrotask(() => {
        counted = false
      })
    }
    return send(...args)
  }
}

function loadScript(name: string): string {
  return readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')
}
