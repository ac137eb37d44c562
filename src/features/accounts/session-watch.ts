/**
 * Which sessions are over, known without asking the database on every request.
 *
 * A session never seen is read once. After that a feed tells: every two seconds one indexed query reads the sessions that
 * ended lately, whoever ended them and whether or not Redis passed it on. Where the feed has been failing for
 * longer than revocation may take, each request reads its session directly again.
 */
import { unavailable } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { ChangesFeed, rootCause } from '../../stores/changes-feed.ts'
import type { Db } from '../../stores/postgres.ts'
import { Gather } from '../../lib/gather.ts'
import { readEndedSessions, readLiveSessions, touchSessions, type EndedFeed } from './store/sessions.ts'
import { within } from '../../lib/within.ts'

const STALE_MS = 5000
const READ_TIMEOUT_MS = 2000
/** After a failed direct read, known sessions are believed and unknown ones refused for this long before the next try. */
const RETRY_READ_MS = 1000
const TOUCH_EVERY_MS = 60_000
/** Unknown sessions in one query: thousands sign in at once when a node has died. */
const READ_BATCH = 500
const LIVE_MAX = 200_000
/** Longer than any access token lives: after that nobody can ask for an ended session. */
const ENDED_KEPT_MS = 30 * 60_000

interface Live {
  touchedAtMs: number
}

export type SessionsEnded = (sessionIds: readonly string[]) => void

export class SessionWatch {
  readonly #db: Db
  readonly #log: Log
  readonly #live = new Map<string, Live>()
  readonly #ended = new Map<string, number>()
  readonly #reading: Gather<string, boolean>
  readonly #feed: ChangesFeed<EndedFeed>
  readonly #listeners: SessionsEnded[] = []
  #touched = new Set<string>()
  #reported: ReadonlySet<string> = new Set()
  #readAgainAtMs = -Infinity

  constructor(db: Db, log: Log) {
    this.#db = db
    this.#log = log
    this.#reading = new Gather(READ_BATCH, (sessionIds) => this.#read(sessionIds))
    this.#feed = new ChangesFeed(
      {
        name: 'sessions',
        read: (since, marginSeconds) => readEndedSessions(db, since, marginSeconds),
        take: async ({ ids }) => {
          this.#report(ids)
          this.#forgetEnded()
          await this.#flushTouched()
        },
      },
      log,
    )
  }

  /** Called with sessions that the feed found ended, each once: the place to close their sockets. */
  onEnded(listener: SessionsEnded): void {
    this.#listeners.push(listener)
  }

  /** Resolves after the first reading, also when that failed: a database that is away does not stop the start. */
  async start(): Promise<void> {
    await this.#feed.start()
  }

  async close(): Promise<void> {
    await this.#feed.close()
    await this.#flushTouched()
  }

  /** Sessions that this node ended itself or heard about through Redis: known here at once. */
  markEnded(sessionIds: readonly string[]): void {
    const now = performance.now()
    for (const id of sessionIds) {
      this.#live.delete(id)
      this.#ended.set(id, now)
    }
  }

  /** A session that was just stored by this node need not be read back. */
  markLive(sessionId: string): void {
    this.#remember(sessionId, { touchedAtMs: performance.now() })
  }

  /** Whether the session may still act. Throws SERVICE_UNAVAILABLE where nobody can tell. */
  async isLive(sessionId: string): Promise<boolean> {
    if (this.#ended.has(sessionId)) return false
    const known = this.#live.get(sessionId)
    const now = performance.now()
    // With the database out of reach no session can be ended by anyone, so those that this node knew to be live
    // go on; the access token's 15 minutes bound that.
    const believed = known !== undefined && (now < this.#feed.readAt + STALE_MS || now < this.#readAgainAtMs)
    if (!believed) {
      if (known === undefined && now < this.#readAgainAtMs) throw cannotTell()
      try {
        if (!(await this.#reading.ask(sessionId))) return false
      } catch (err) {
        this.#readAgainAtMs = performance.now() + RETRY_READ_MS
        if (known === undefined) throw cannotTell(err)
      }
    }
    this.#touch(sessionId)
    // Ended while it was being read: the mark is the newer word.
    return !this.#ended.has(sessionId)
  }

  async #read(sessionIds: string[]): Promise<boolean[]> {
    const live = await within(READ_TIMEOUT_MS, readLiveSessions(this.#db, sessionIds))
    this.markEnded(sessionIds.filter((id) => !live.has(id)))
    return sessionIds.map((id) => live.has(id))
  }

  #touch(sessionId: string): void {
    const now = performance.now()
    const known = this.#live.get(sessionId)
    const due = known === undefined || now - known.touchedAtMs > TOUCH_EVERY_MS
    if (due && !this.#ended.has(sessionId)) this.#touched.add(sessionId)
    this.#remember(sessionId, due ? { touchedAtMs: now } : known)
  }

  #remember(sessionId: string, live: Live): void {
    if (this.#ended.has(sessionId)) return
    this.#live.delete(sessionId)
    this.#live.set(sessionId, live)
    if (this.#live.size <= LIVE_MAX) return
    const [oldest] = this.#live.keys()
    if (oldest !== undefined) this.#live.delete(oldest)
  }

  #forgetEnded(): void {
    const before = performance.now() - ENDED_KEPT_MS
    for (const [id, at] of this.#ended) {
      if (at > before) break
      this.#ended.delete(id)
    }
  }

  /** Successive readings overlap by the margin; what the one before had is not reported again. */
  #report(ids: readonly string[]): void {
    const news = ids.filter((id) => !this.#reported.has(id))
    this.#reported = new Set(ids)
    if (news.length === 0) return
    this.markEnded(news)
    for (const listener of this.#listeners) listener(news)
  }

  async #flushTouched(): Promise<void> {
    const touched = this.#touched
    if (touched.size === 0) return
    this.#touched = new Set()
    try {
      await within(READ_TIMEOUT_MS, touchSessions(this.#db, [...touched]))
    } catch (err) {
      // Only the "last active" of the sessions list: the next minute writes it again.
      this.#log.warn({ err: rootCause(err) }, 'session activity was not written')
    }
  }
}

const cannotTell = (cause?: unknown) =>
  unavailable('Whether this session is still signed in cannot be told at the moment.', cause)
