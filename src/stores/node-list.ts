/**
 * Which nodes there are. Each says every few seconds that it lives and reads what the others said; whoever has not for
 * a while is gone. Nothing depends on it but the eyes of who runs this: it may be empty or late.
 */
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { VERSION } from '../lib/version.ts'
import { nodesAlive, socketsOpen } from './metrics.ts'
import { redisKeys } from './redis-keys.ts'
import type { RedisStore } from './redis.ts'

const BEAT_MS = 5000
/** Six beats may be missed. */
const LIFETIME_MS = 30_000

const entry = z.object({
  id: z.string(),
  roles: z.array(z.string()),
  version: z.string(),
  sockets: z.number(),
  startedAt: z.string(),
  seenAt: z.string(),
})

export type NodeEntry = z.infer<typeof entry>

export class NodeList {
  readonly #redis: RedisStore
  readonly #clock: Clock
  readonly #log: Log
  readonly #id: string
  readonly #roles: string[]
  readonly #startedAt: string
  #others: NodeEntry[] = []
  #timer: NodeJS.Timeout | null = null
  #beating: Promise<void> | null = null

  constructor(options: { redis: RedisStore; clock: Clock; log: Log; id: string; roles: string[] }) {
    this.#redis = options.redis
    this.#clock = options.clock
    this.#log = options.log
    this.#id = options.id
    this.#roles = options.roles
    this.#startedAt = options.clock.now().toISOString()
  }

  start(): void {
    const beat = () => {
      // Redis being away is logged where it matters.
      this.#beating ??= this.#beat()
        .catch((err: unknown) => this.#log.debug({ err }, 'node list not kept'))
        .finally(() => (this.#beating = null))
    }
    beat()
    this.#timer = setInterval(beat, BEAT_MS)
    this.#timer.unref()
  }

  /** This node and the others that were heard of lately, by id. */
  async alive(): Promise<NodeEntry[]> {
    const since = this.#clock.now().getTime() - LIFETIME_MS
    const others = this.#others.filter((node) => Date.parse(node.seenAt) >= since)
    nodesAlive.set(others.length + 1)
    return [await this.#own(), ...others].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Says good-bye, so that nobody takes it for dead. */
  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    await this.#beating
    if (this.#redis.isBack()) await this.#redis.commands.hdel(redisKeys.nodes, this.#id)
  }

  async #beat(): Promise<void> {
    const own = await this.#own()
    const { commands } = this.#redis
    const said = commands.hset(redisKeys.nodes, this.#id, JSON.stringify(own))
    const [, found] = await Promise.all([said, commands.hgetall(redisKeys.nodes)])
    const { fresh, dead } = sortOut(found, Date.parse(own.seenAt) - LIFETIME_MS)
    this.#others = fresh.filter((node) => node.id !== this.#id)
    if (dead.length > 0) await commands.hdel(redisKeys.nodes, ...dead)
  }

  async #own(): Promise<NodeEntry> {
    const sockets = (await socketsOpen.get()).values[0]?.value ?? 0
    return {
      id: this.#id,
      roles: this.#roles,
      version: VERSION,
      sockets,
      startedAt: this.#startedAt,
      seenAt: this.#clock.now().toISOString(),
    }
  }
}

/** Those that were seen since a moment, and the names of those that were not, or that nobody can read. */
function sortOut(found: Record<string, string>, since: number): { fresh: NodeEntry[]; dead: string[] } {
  const fresh: NodeEntry[] = []
  const dead: string[] = []
  for (const [id, text] of Object.entries(found)) {
    const node = parse(text)
    if (node && Date.parse(node.seenAt) >= since) fresh.push(node)
    else dead.push(id)
  }
  return { fresh, dead }
}

function parse(text: string): NodeEntry | null {
  try {
    return entry.parse(JSON.parse(text))
  } catch {
    return null
  }
}
