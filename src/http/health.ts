/** Whether the process lives, and whether messages can be sent and read. */
import type { Ctx } from '../context.ts'

interface StoreHealth {
  ok: boolean
  latencyMs: number | null
}

export type Readiness = {
  status: 'ready' | 'degraded' | 'unavailable'
  stores: Record<'postgres' | 'mongodb' | 'redis' | 'objects', StoreHealth>
}

const PROBE_MS = 1500

export interface Probes {
  postgres: () => Promise<void>
  mongodb: () => Promise<void>
  redis: () => Promise<void>
  /** Null where no object store is configured. */
  objects: (() => Promise<void>) | null
}

/** Messages need MongoDB; signing in needs PostgreSQL, and open sockets go on without it; the rest can be missing. */
export async function readiness(probes: Probes): Promise<Readiness> {
  const [postgres, mongodb, redis, objects] = await Promise.all([
    probe(probes.postgres),
    probe(probes.mongodb),
    probe(probes.redis),
    probes.objects ? probe(probes.objects) : Promise.resolve({ ok: false, latencyMs: null }),
  ])
  const all = [postgres, mongodb, redis, objects].every((store) => store.ok)
  const status = !mongodb.ok ? 'unavailable' : all ? 'ready' : 'degraded'
  return { status, stores: { postgres, mongodb, redis, objects } }
}

async function probe(ping: () => Promise<void>): Promise<StoreHealth> {
  const start = performance.now()
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PROBE_MS)
  })
  const ok = await Promise.race([ping().then(() => true), timeout]).catch(() => false)
  clearTimeout(timer)
  return { ok, latencyMs: ok ? Math.round((performance.now() - start) * 10) / 10 : null }
}

export const probesOf = (
  ctx: Ctx,
  stores: { postgres: () => Promise<void>; objects: (() => Promise<void>) | null },
): Probes => ({
  postgres: stores.postgres,
  mongodb: () => ctx.mongo.ping(),
  redis: () => ctx.redis.ping(),
  objects: stores.objects,
})
