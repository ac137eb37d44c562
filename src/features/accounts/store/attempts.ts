/**
 * Failed logins, counted in PostgreSQL so that they hold across nodes and without Redis. An attempt is reserved before
 * the password is looked at: a hundred guesses sent at once get five looks, not a hundred.
 */
import { eq, sql } from 'drizzle-orm'
import type { Db } from '../../../stores/postgres.ts'
import { loginAttempts } from '../tables.ts'
import type { Connection } from './sessions.ts'

const FAILURES_MAX = 5
const WINDOW_SECONDS = 15 * 60
/** An attempt whose node died while it was looking stops counting after this. */
const RESERVED_SECONDS = 10

export type Reservation =
  | { state: 'reserved'; id: bigint }
  | { state: 'limited'; retryAfterSeconds: number }
  /** Others are being looked at and may fail or not: ask again in a moment. */
  | { state: 'wait' }

interface Counts {
  [column: string]: unknown
  failed: number
  open: number
  wait: number | null
}

/** Reserves one attempt for that account from that address, within five failures each. */
export function reserveAttempt(db: Db, account: string, ipAddress: string): Promise<Reservation> {
  return db.transaction(async (tx) => {
    // In one fixed order, or two attempts that share both would wait for each other.
    await tx.execute(sql`
      select pg_advisory_xact_lock(key) from (
        select distinct key from unnest(array[
          hashtextextended(${`login:${account}`}, 0), hashtextextended(${`login:${ipAddress}`}, 0)]) as key
        order by key) as keys`)
    for (const column of [sql`account = ${account}`, sql`ip_address = ${ipAddress}`]) {
      const [counts] = await tx.execute<Counts>(sql`
        select
          count(*) filter (where failed)::int as failed,
          count(*)::int as open,
          ceil(extract(epoch from
            min(at) filter (where failed) + make_interval(secs => ${WINDOW_SECONDS}) - clock_timestamp()))::int as wait
        from login_attempts
        where ${column}
          and at > clock_timestamp() - make_interval(secs => ${WINDOW_SECONDS})
          and (failed or at > clock_timestamp() - make_interval(secs => ${RESERVED_SECONDS}))`)
      if (counts === undefined) throw new Error('counting login attempts gave no row')
      if (counts.failed >= FAILURES_MAX)
        return { state: 'limited', retryAfterSeconds: Math.max(1, counts.wait ?? WINDOW_SECONDS) }
      if (counts.open >= FAILURES_MAX) return { state: 'wait' }
    }
    const [row] = await tx
      .insert(loginAttempts)
      .values({ account, ipAddress, at: sql`clock_timestamp()` })
      .returning({ id: loginAttempts.id })
    if (row === undefined) throw new Error('the attempt was not stored')
    return { state: 'reserved', id: row.id }
  })
}

/** The password was wrong: the attempt counts for the whole window. */
export async function keepAttempt(db: Connection, id: bigint): Promise<void> {
  await db.update(loginAttempts).set({ failed: true }).where(eq(loginAttempts.id, id))
}

/** The password was right: the attempt never happened. */
export async function dropAttempt(db: Connection, id: bigint): Promise<void> {
  await db.delete(loginAttempts).where(eq(loginAttempts.id, id))
}

export async function deleteOldAttempts(db: Connection): Promise<void> {
  await db.execute(sql`
    delete from login_attempts where id in (
      select id from login_attempts where at < now() - interval '1 hour' limit 5000 for update skip locked)`)
}
