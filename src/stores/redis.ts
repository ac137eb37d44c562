/** Redis: one connection for commands, one for subscriptions; it may vanish at any moment and nothing waits for it long. */
import { readFileSync } from 'node:fs'
import { Redis, type Result } from 'ioredis'
import type { Log } from '../lib/log.ts'
import { countCommand } from './metrics.ts'

declare module 'ioredis' {
  // The type parameter is the driver's own; its declaration has to be repeated to add commands to it.
  // oxlint-disable-next-line typescript/no-unused-vars
  interface RedisCommander<Context> {
    attach(...args: Array<string | number>): Result<unknown, Context>
    detach(...args: Array<string | number>): Result<unknown, Context>
    whisper(users: string, payload: string): Result<unknown, Context>
    fanout(...args: Array<string | number>): Result<unknown, Context>
    unreadPut(...keyTokenCount: string[]): Result<unknown, Context>
    presence(...args: Array<string | number>): Result<unknown, Context>
    hit(key: string, limit: number, windowSeconds: number): Result<[count: number, resetMs: number], Context>
  }
}

/** The scripts beside this file, by the name of their command. */
const SCRIPTS = {
  attach: 'attach',
  detach: 'detach',
  whisper: 'whisper',
  fanout: 'fanout',
  unreadPut: 'unread-put',
  presence: 'presence',
  hit: 'hit',
}

export interface RedisStore {
  commands: Redis
  subscriber: Redis
  /** `run_id` of the server that `commands` is connected to; another one means that keys may be lost. Null while away. */
  runId(): string | null
  /** False from the moment that the connection breaks or Redis stops answering. */
  isBack(): boolean
  /** Hears when Redis goes away and when it is back. */
  onHealth(listener: (back: boolean) => void): void
  /** Tries once; a Redis that is away is retried in the background and does not stop the start. */
  connect(): Promise<void>
  ping(): Promise<void>
  close(): Promise<void>
}

export function openRedis(url: string, log: Log): RedisStore {
  const options = {
    connectTimeout: 4000,
    commandTimeout: 2000,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResubscribe: true,
    retryStrategy: (attempt: number) => Math.min(attempt * 50, 500),
    lazyConnect: true,
  }
  const commands = new Redis(url, options)
  const subscriber = new Redis(url, { ...options, maxRetriesPerRequest: null, enableOfflineQueue: true })
  let runId: string | null = null
  let lastError = ''
  for (const client of [commands, subscriber]) {
    client.on('error', (err: Error) => {
      // One line per kind of trouble: a dead Redis would otherwise fill the log with every retry.
      if (err.message !== lastError) log.warn({ err }, 'redis trouble')
      lastError = err.message
    })
  }
  const learnRunId = async () => {
    const info = await commands.info('server').catch((err: unknown) => {
      log.warn({ err }, 'redis info failed')
      return ''
    })
    runId = /run_id:(\w+)/.exec(info)?.[1] ?? null
    health.set(runId !== null)
  }
  commands.on('ready', () => {
    lastError = ''
    void learnRunId()
  })
  commands.on('close', () => {
    runId = null
  })
  const health = new RedisHealth(commands, async () => {
    // Without the run id nothing can be told, so Redis is not back before it is known.
    if (runId === null) await learnRunId()
    else await commands.ping()
    return runId !== null
  })
  for (const [name, file] of Object.entries(SCRIPTS))
    commands.defineCommand(name, { numberOfKeys: 0, lua: loadScript(file) })
  countRoundTrips(commands)
  return {
    commands,
    subscriber,
    runId: () => runId,
    isBack: () => health.back,
    onHealth: (listener) => health.listeners.push(listener),
    connect: async () => {
      await Promise.all([commands.connect(), subscriber.connect()]).catch((err: unknown) => {
        log.warn({ err }, 'redis is away at start')
      })
      // The ready handler's INFO was written before this PING, so its answer is there when this one is.
      await commands.ping().catch(() => undefined)
      health.start()
    },
    ping: async () => {
      await commands.ping()
    },
    close: () => {
      health.close()
      commands.disconnect()
      subscriber.disconnect()
      return Promise.resolve()
    },
  }
}

const PROBE_MS = 1000

/** Whether Redis answers: a broken connection says so at once, a process that stands still after a probe. */
class RedisHealth {
  back = true
  readonly listeners: Array<(back: boolean) => void> = []
  readonly #client: Redis
  readonly #probe: () => Promise<boolean>
  #timer: NodeJS.Timeout | null = null

  constructor(client: Redis, probe: () => Promise<boolean>) {
    this.#client = client
    this.#probe = probe
    client.on('close', () => this.set(false))
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#probe().then(
        (back) => this.set(back),
        () => this.set(false),
      )
    }, PROBE_MS)
    this.#timer.unref()
    this.set(this.#client.status === 'ready')
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.listeners.length = 0
  }

  set(back: boolean): void {
    if (back === this.back) return
    this.back = back
    for (const listener of this.listeners) listener(back)
  }
}

/** Commands written in one tick share a packet; a pipeline is one round trip, and so is a single command. */
function countRoundTrips(client: Redis): void {
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
