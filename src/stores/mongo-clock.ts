/**
 * The database's time, on every node the same. What one node stamps is looked for by the others, and a machine's own
 * clock may be minutes off, or jump. Between two looks at the database it goes on by the monotonic clock.
 */
import type { Db } from 'mongodb'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'

const LOOK_MS = 5000
/** An answer that took longer says too little about when it was given. */
const SLOW_MS = 500

export class MongoClock implements Clock {
  readonly #db: Db
  readonly #log: Log
  /** The database's time when this process's monotonic clock was at zero. */
  #origin = Number.NaN
  #timer: NodeJS.Timeout | null = null

  private constructor(db: Db, log: Log) {
    this.#db = db
    this.#log = log
  }

  /** Throws where the database does not tell its time. */
  static async open(db: Db, log: Log): Promise<MongoClock> {
    const clock = new MongoClock(db, log)
    await clock.#look()
    clock.#timer = setInterval(() => {
      clock.#look().catch((err: unknown) => log.warn({ err }, 'time of the database not read'))
    }, LOOK_MS)
    clock.#timer.unref()
    return clock
  }

  now(): Date {
    return new Date(this.#origin + performance.now())
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const asked = performance.now()
    const { localTime } = await this.#db.command({ hello: 1 })
    const answered = performance.now()
    if (!(localTime instanceof Date)) throw new Error('the database did not tell its time')
    const isFirst = Number.isNaN(this.#origin)
    if (answered - asked > SLOW_MS && !isFirst) return
    // It was read some time between the two, in whole milliseconds.
    const earliest = localTime.getTime() - answered
    const latest = localTime.getTime() + 1 - asked
    // Kept until it is proven wrong: taking over every look would let the time jitter by the round trip.
    if (this.#origin >= earliest && this.#origin <= latest) return
    const corrected = (earliest + latest) / 2
    if (!isFirst && Math.abs(corrected - this.#origin) > SLOW_MS)
      this.#log.warn({ byMs: Math.round(corrected - this.#origin) }, 'time of the database jumped')
    this.#origin = corrected
  }
}
