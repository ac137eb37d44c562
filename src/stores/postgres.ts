/** PostgreSQL: one pool, bounded in time, counted in the metrics. Tables live with their features. */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import type { Log } from '../lib/log.ts'
import { LIMITS } from '../lib/limits.ts'
import { Breaker } from './breaker.ts'
import { countCommand } from './metrics.ts'
import { guardPostgres } from './postgres-guard.ts'
import { PostgresLines } from './postgres-lines.ts'

export type Db = PostgresJsDatabase

export interface Postgres {
  db: Db
  ping(): Promise<void>
  close(): Promise<void>
}

/** Any number that is ours: holders of it migrate one after another. */
const MIGRATION_LOCK = 7_274_411
/** A line that said nothing during a probe. */
const PROBE_SILENT_MS = 900

export function openPostgres(
  url: string,
  log: Log,
  name: 'postgres' | 'postgres_replica' = 'postgres',
): Postgres {
  const lines = new PostgresLines()
  const options = {
    // Not in the driver's types, but its way to give it connections of our own making.
    socket: lines.open,
    max: 10,
    connect_timeout: 4,
    idle_timeout: 60,
    // Half a second at most between tries, so that everything heals soon after the database is back.
    backoff: (attempt: number) => Math.min(0.5, 0.05 * 2 ** attempt),
    onnotice: () => undefined,
    connection: {
      TimeZone: 'UTC',
      application_name: 'parley',
      statement_timeout: LIMITS.storeTimeoutMs,
      idle_in_transaction_session_timeout: 10_000,
    },
  }
  const sql = postgres(url, options)
  const breaker = new Breaker({
    store: name,
    probe: () => sql`select 1`,
    unanswered: () => lines.endSilent(PROBE_SILENT_MS),
    log,
  })
  const client = guardPostgres({ sql, lines, breaker })
  const db = drizzle(client, { logger: { logQuery: () => countCommand(name) } })
  return {
    db,
    ping: async () => {
      await client.unsafe('select 1')
    },
    close: async () => {
      breaker.close()
      await sql.end({ timeout: 2 }).catch((err: unknown) => log.warn({ err }, 'postgres close failed'))
      lines.close()
    },
  }
}

/** Brings the schema up to date. Nodes that start together wait for one another at an advisory lock. */
export async function migratePostgres(url: string, folder: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 10 })
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`
    await migrate(drizzle(sql), { migrationsFolder: folder })
  } finally {
    await sql.end({ timeout: 2 })
  }
}
