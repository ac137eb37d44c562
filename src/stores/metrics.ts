/** Prometheus counters and histograms. Few label values; never a user or chat id. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export const registry = new Registry()
collectDefaultMetrics({ register: registry })

const commands = new Counter({
  name: 'parley_store_commands_total',
  help: 'Round trips to each store',
  labelNames: ['store'] as const,
  registers: [registry],
})

/** Counts one round trip to a store. */
export function countCommand(store: 'postgres' | 'postgres_replica' | 'mongodb' | 'redis'): void {
  commands.inc({ store })
}

export const replicaUsable = new Gauge({
  name: 'parley_postgres_replica_usable',
  help: 'Whether reads that may be late go to the replica of PostgreSQL',
  registers: [registry],
})

export const nodesAlive = new Gauge({
  name: 'parley_nodes',
  help: 'Nodes on the same stores that were heard of in the last 30 seconds, this one included',
  registers: [registry],
})

export const messagesStored = new Counter({
  name: 'parley_messages_stored_total',
  help: 'Messages acknowledged by a majority of MongoDB',
  registers: [registry],
})

export const commitBatch = new Histogram({
  name: 'parley_commit_batch_messages',
  help: 'Messages in one group commit',
  buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
  registers: [registry],
})

export const commitSeconds = new Histogram({
  name: 'parley_commit_seconds',
  help: 'Duration of one group commit',
  buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
  registers: [registry],
})

export const framesSent = new Counter({
  name: 'parley_events_pushed_total',
  help: 'Durable events written to sockets',
  registers: [registry],
})

export const socketsOpen = new Gauge({
  name: 'parley_sockets_open',
  help: 'Signed-in sockets on this node',
  registers: [registry],
})

export const socketsRefused = new Counter({
  name: 'parley_sign_ins_refused_total',
  help: 'Sockets told to come later, because too many were signing in',
  labelNames: ['reason'] as const,
  registers: [registry],
})

export const socketsTooSlow = new Counter({
  name: 'parley_sockets_too_slow_total',
  help: 'Sockets closed because their reader was too slow',
  registers: [registry],
})

export const requestSeconds = new Histogram({
  name: 'parley_http_request_seconds',
  help: 'Duration of HTTP requests',
  labelNames: ['method', 'status'] as const,
  buckets: [0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  registers: [registry],
})

const eventLoopDelay = new Histogram({
  name: 'parley_event_loop_delay_seconds',
  help: 'How late the event loop comes back to a timer of 10 ms',
  buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2],
  registers: [registry],
})

const LOOP_TICK_MS = 10
let expectedAt = performance.now() + LOOP_TICK_MS
setInterval(() => {
  const now = performance.now()
  eventLoopDelay.observe(Math.max(0, now - expectedAt) / 1000)
  expectedAt = now + LOOP_TICK_MS
}, LOOP_TICK_MS).unref()
