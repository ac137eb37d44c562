/**
 * A PostgreSQL that follows the primary, for reads that may be a few seconds late. It is used only while it is known
 * how late it is: every second it has to have reached what the primary had written a moment before. Away, behind or not
 * configured, the primary answers instead.
 */
import { sql } from 'drizzle-orm'
import { within } from '../lib/within.ts'
import type { Log } from '../lib/log.ts'
import { replicaUsable } from './metrics.ts'
import { openPostgres, type Db, type Postgres } from './postgres.ts'

const PROBE_MS = 1000
/** A read is at most this late. */
const LATE_MS_MAX = 3000
/** Past it the primary is asked, so that both together stay within the time of one store call. */
const READ_MS = 1500

/** How far the primary had written at a moment. */
interface Mark {
  at: number
  position: bigint
}

export class Replica {
  readonly #primary: Db
  readonly #log: Log
  readonly #follower: Postgres | null
  #marks: Mark[] = []
  /** The newest moment whose writes the replica is known to have. */
  #reachedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null
  #probing: Promise<void> | null = null
  #wasUsable: boolean | null = null

  constructor(options: { url: string | undefined; primary: Db; log: Log }) {
    this.#primary = options.primary
    this.#log = options.log
    this.#follower =
      options.url === undefined ? null : openPostgres(options.url, options.log, 'postgres_replica')
  }

  async start(): Promise<void> {
    if (!this.#follower) return
    await this.#probe()
    this.#timer = setInterval(() => {
      this.#probing ??= this.#probe().finally(() => (this.#probing = null))
    }, PROBE_MS)
    this.#timer.unref()
  }

  /**
   * Runs a read that may be late, and again at the primary where what was found is not enough: what was written a
   * moment ago is not there yet.
   */
  async read<T>(query: (db: Db) => Promise<T>, isEnough: (found: T) => boolean = () => true): Promise<T> {
    if (this.#follower && this.#isUsable()) {
      const found = await within(READ_MS, query(this.#follower.db)).then(
        (rows) => ({ rows }),
        (err: unknown) => this.#lost(err),
      )
      if (found && isEnough(found.rows)) return found.rows
    }
    return query(this.#primary)
  }

  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer)
    await this.#probing
    await this.#follower?.close()
  }

  #isUsable(): boolean {
    return performance.now() - this.#reachedAt < LATE_MS_MAX
  }

  async #probe(): Promise<void> {
    if (!this.#follower) return
    const { db } = this.#follower
    try {
      const at = performance.now()
      // What is flushed at the primary is all that anybody was ever told to be written.
      const written = await within(READ_MS, positionOf(this.#primary, sql`pg_current_wal_flush_lsn()`))
      if (written !== null) this.#marks.push({ at, position: written })
      const reached = await within(READ_MS, positionOf(db, sql`pg_last_wal_replay_lsn()`))
      if (reached === null) throw new Error('the replica is no replica: it replays nothing')
      const passed = this.#marks.filter(({ position }) => position <= reached).at(-1)
      if (passed) this.#reachedAt = passed.at
      this.#marks = this.#marks.filter((mark) => at - mark.at < LATE_MS_MAX && mark !== passed)
      this.#report(this.#isUsable(), null)
    } catch (err) {
      this.#report(this.#isUsable(), err)
    }
  }

  /** The next reads need not find out by waiting; the probe says when it is back. */
  #lost(err: unknown): null {
    this.#reachedAt = Number.NEGATIVE_INFINITY
    this.#report(false, err)
    return null
  }

  #report(usable: boolean, err: unknown): void {
    replicaUsable.set(usable ? 1 : 0)
    if (usable === this.#wasUsable) return
    this.#wasUsable = usable
    if (usable) this.#log.info('postgres replica is in step')
    else this.#log.warn({ err }, 'postgres replica is away or behind: the primary answers for it')
  }
}

/** A position in the write-ahead log as a number; null where the server has none of that kind. */
async function positionOf(db: Db, position: ReturnType<typeof sql>): Promise<bigint | null> {
  const [row] = await db.execute<{ bytes: string | null }>(
    sql`select (${position} - '0/0'::pg_lsn)::text as bytes`,
  )
  return row?.bytes === null || row?.bytes === undefined ? null : BigInt(row.bytes)
}
