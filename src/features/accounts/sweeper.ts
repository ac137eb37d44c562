/** Every minute: ends the sessions that have run out and deletes what is only kept for counting. Any worker may do it. */
import type { Log } from '../../lib/log.ts'
import type { Db } from '../../stores/postgres.ts'
import { deleteOldAttempts } from './store/attempts.ts'
import { deleteOldCodes } from './store/codes.ts'
import { deleteOldDevices, endExpiredSessions } from './store/sessions.ts'

const EVERY_MS = 60_000

export class Sweeper {
  readonly #db: Db
  readonly #log: Log
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(db: Db, log: Log) {
    this.#db = db
    this.#log = log
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running = this.#sweep()
    }, EVERY_MS)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.#running
  }

  async #sweep(): Promise<void> {
    for (const task of [endExpiredSessions, deleteOldDevices, deleteOldCodes, deleteOldAttempts]) {
      try {
        await task(this.#db)
      } catch {
        // The next minute does it; why the database refused is in the log of the feed of sessions.
        this.#log.debug({ task: task.name }, 'sweep failed')
      }
    }
  }
}
