/** Whether messages can be sent and read, and what is missing where a store is away. Liveness asks no store. */
import type { Ctx } from '../context.ts'
import { within } from '../lib/within.ts'

type StoreName = 'postgres' | 'mongodb' | 'redis' | 'objects'

interface StoreHealth {
  ok: boolean
  latencyMs: number | null
  /** Degraded: it answers, but slowly. */
  state: 'up' | 'degraded' | 'down'
  /** What does not work without it; null while it is up. */
  means: string | null
}

export type Readiness = {
  status: 'ready' | 'degraded' | 'unavailable'
  stores: Record<StoreName, StoreHealth>
}

const MEANS: Record<StoreName, string> = {
  postgres:
    'Signing in, profiles and search wait or are refused; sockets that are signed in go on with their messages.',
  mongodb: 'Messages and chats are refused retryably; nothing is acknowledged that is not stored.',
  redis: 'Messages go on; events between nodes take up to 10 s, presence and typing are missing.',
  objects: 'Media cannot be stored or fetched; text goes on.',
}

const PROBE_MS = 800
const SLOW_MS = 250

/** Asks a store, once at a time: however many ask after it while it is stalled, one probe hangs. */
class Probe {
  readonly #ping: (() => Promise<void>) | null
  #running: Promise<void> | null = null
  #startedAt = 0

  constructor(ping: (() => Promise<void>) | null) {
    this.#ping = ping
  }

  async look(means: string): Promise<StoreHealth> {
    const running = this.#run()
    const ok =
      running !== null &&
      (await within(PROBE_MS, running).then(
        () => true,
        () => false,
      ))
    if (!ok) return { ok, latencyMs: null, state: 'down', means }
    const latencyMs = Math.round((performance.now() - this.#startedAt) * 10) / 10
    const slow = latencyMs > SLOW_MS
    return { ok, latencyMs, state: slow ? 'degraded' : 'up', means: slow ? `Slow: ${means}` : null }
  }

  #run(): Promise<void> | null {
    if (!this.#ping) return null
    if (this.#running) return this.#running
    this.#startedAt = performance.now()
    const running = this.#ping().finally(() => {
      this.#running = null
    })
    // Whoever asked may have gone when it fails.
    running.catch(() => undefined)
    this.#running = running
    return running
  }
}

export type Probes = Record<StoreName, Probe>

/** Messages need MongoDB; signing in needs PostgreSQL, and open sockets go on without it; the rest can be missing. */
export async function readiness(probes: Probes): Promise<Readiness> {
  const [postgres, mongodb, redis, objects] = await Promise.all([
    probes.postgres.look(MEANS.postgres),
    probes.mongodb.look(MEANS.mongodb),
    probes.redis.look(MEANS.redis),
    probes.objects.look(MEANS.objects),
  ])
  const all = [postgres, mongodb, redis, objects].every((store) => store.ok)
  const status = !mongodb.ok ? 'unavailable' : all ? 'ready' : 'degraded'
  return { status, stores: { postgres, mongodb, redis, objects } }
}

/** `objects` is null where no object store is configured. */
export const probesOf = (
  ctx: Ctx,
  stores: { postgres: () => Promise<void>; objects: (() => Promise<void>) | null },
): Probes => ({
  postgres: new Probe(stores.postgres),
  mongodb: new Probe(() => ctx.mongo.ping()),
  redis: new Probe(() => ctx.redis.ping()),
  objects: new Probe(stores.objects),
})
