/**
 * Keeps a store that does not answer from making everybody wait for the whole time limit: after one call that was not
 * answered all are refused at once, and one probe at a time asks whether the store is back.
 */
import type { Log } from '../lib/log.ts'
import { within } from '../lib/within.ts'

const PROBE_LIMIT_MS = 1000
const PROBE_EVERY_MS = 500

export interface BreakerOptions {
  store: string
  /** Asks the store for anything; may take longer than it is waited for. */
  probe: () => Promise<unknown>
  /** A probe was not answered. */
  unanswered: () => void
  log: Log
}

export class Breaker {
  readonly #options: BreakerOptions
  #open = false
  #closed = false
  #timer: NodeJS.Timeout | null = null

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  /** Throws what looks like a connection that could not be had while the store is known to be away. */
  check(): void {
    if (this.#open)
      throw Object.assign(new Error(`${this.#options.store} does not answer`), { code: 'CONNECTION_BREAKER' })
  }

  /** A call was not answered in time. */
  trip(): void {
    if (this.#open || this.#closed) return
    this.#open = true
    this.#options.log.warn(
      { store: this.#options.store },
      'store does not answer; calls are refused until it does',
    )
    void this.#probe()
  }

  close(): void {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
  }

  async #probe(): Promise<void> {
    try {
      await within(PROBE_LIMIT_MS, this.#options.probe())
      this.#open = false
      this.#options.log.info({ store: this.#options.store }, 'store answers again')
    } catch {
      this.#options.unanswered()
      if (this.#closed) return
      // Nodes that lost the store together must not ask together.
      this.#timer = setTimeout(() => void this.#probe(), PROBE_EVERY_MS * (0.5 + Math.random()))
      this.#timer.unref()
    }
  }
}
