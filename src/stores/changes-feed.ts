/**
 * What changed in a table lately, read again and again by every node: whoever changed it, and whether or not Redis
 * passed it on. Each reading begins a margin before the last one ended, by the database's clock, so that a change that
 * was stamped earlier than it was committed is not missed; readers drop what they know. While the database is away
 * nothing comes, and the first reading that succeeds again has everything since the last one.
 */
import type { Log } from '../lib/log.ts'
import { within } from '../lib/within.ts'

const POLL_MS = 2000
/** Nodes that were started together do not ask together. */
const JITTER = 0.1
const READ_TIMEOUT_MS = 2000
/** A statement that stamps its time and commits later than this would be missed; none takes longer than 4 s. */
const MARGIN_SECONDS = 15

export interface FeedPage {
  /** The database's time of this reading: where the next one goes on. */
  asOf: string
}

export interface FeedSource<P extends FeedPage> {
  /** For the log. */
  name: string
  /** Without `since`: what changed within the margin. */
  read(since: string | null, marginSeconds: number): Promise<P>
  /** `isFirst`: what was known before nobody watched. */
  take(page: P, isFirst: boolean): void | Promise<void>
}

export class ChangesFeed<P extends FeedPage> {
  readonly #source: FeedSource<P>
  readonly #log: Log
  #since: string | null = null
  #readAt = -Infinity
  #askedAt = -Infinity
  #failing = false
  #closed = false
  #timer: NodeJS.Timeout | null = null
  #polling: Promise<void> = Promise.resolve()

  constructor(source: FeedSource<P>, log: Log) {
    this.#source = source
    this.#log = log
  }

  /** When the newest reading that succeeded was begun, by the monotonic clock. */
  get readAt(): number {
    return this.#readAt
  }

  /** When the newest reading was begun that is over, whether or not it succeeded. */
  get askedAt(): number {
    return this.#askedAt
  }

  /** Resolves after the first reading, also when that failed: a database that is away does not stop the start. */
  async start(): Promise<void> {
    await this.#poll()
    this.#schedule()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#polling
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = setTimeout(
      () => {
        this.#polling = this.#poll().finally(() => this.#schedule())
      },
      POLL_MS * (1 + JITTER * (Math.random() * 2 - 1)),
    )
    this.#timer.unref()
  }

  async #poll(): Promise<void> {
    const begunAt = performance.now()
    const { name } = this.#source
    try {
      const page = await within(READ_TIMEOUT_MS, this.#source.read(this.#since, MARGIN_SECONDS))
      const isFirst = this.#since === null
      this.#since = page.asOf
      this.#readAt = begunAt
      await this.#source.take(page, isFirst)
      if (this.#failing) this.#log.info({ feed: name }, 'feed is back')
      this.#failing = false
    } catch (err) {
      if (!this.#failing) this.#log.warn({ feed: name, err: rootCause(err) }, 'feed failed')
      this.#failing = true
    }
    this.#askedAt = begunAt
  }
}

/** The driver's own error: the wrapper around it carries the statement's parameters, which do not belong in a log. */
export const rootCause = (err: unknown): unknown =>
  err instanceof Error && err.cause !== undefined ? err.cause : err
