/**
 * Announces what is stored. Publishing is a hint, the log is the truth: whatever fails here is told again from the
 * log, by this node, by the next message of the chat on any node, or by the sweep.
 */
import { randomBytes } from 'node:crypto'
import type { Log } from '../lib/log.ts'
import type { RedisStore } from '../stores/redis.ts'
import { mergeJobs, type ChatFanout, type FanoutEvent } from './chat-fanout.ts'

/** What fan-out needs to know of the log, given by the feature that owns it. */
export interface FanoutLog {
  /** The revision up to which fan-out is known to have got, by the log's own record. */
  fannedRev(chatHex: string): Promise<number>
  /** Everything from a revision on, ready to be told; null where the chat has nothing newer. */
  rebuild(chatHex: string, fromRev: number): Promise<ChatFanout | null>
  /** Fan-out got this far; worth recording some time. */
  fanned(chatHex: string, rev: number): void
}

type Reply = [status: 'ok' | 'done' | 'gap' | 'unknown', epoch: string, mark: number]

/** Another node is usually just about to tell the missing revision itself. */
const GAP_WAITS_MS = [4, 20, 60]
const RETRY_MS = 500
const FANNED_MEMORY = 50_000

export class FanOut {
  readonly #redis: RedisStore
  readonly #log: Log
  #source: FanoutLog | null = null
  /** Chats whose telling failed or waits for another node: the jobs that came since, in order. */
  readonly #held = new Map<string, ChatFanout[]>()
  readonly #fanned = new Map<string, number>()
  readonly #running = new Set<Promise<void>>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(redis: RedisStore, log: Log) {
    this.#redis = redis
    this.#log = log
  }

  attachLog(source: FanoutLog): void {
    this.#source = source
  }

  /** Tells several chats' news in one round trip. Never throws: what fails is told again later. */
  tell(jobs: ChatFanout[]): void {
    const now = jobs.filter((job) => {
      const held = this.#held.get(job.chatHex)
      held?.push(job)
      return held === undefined
    })
    if (now.length > 0) this.#track(this.#send(now))
  }

  /** Looks whether a chat was told up to `rev`, and tells the rest from the log. For the sweep. */
  async repair(chatHex: string): Promise<void> {
    if (this.#held.has(chatHex)) return
    this.#held.set(chatHex, [])
    await this.#retell(chatHex, null)
  }

  /** The connection that was answered for a place that is still to be told. */
  originOf(chatHex: string, rev: number): string {
    for (const job of this.#held.get(chatHex) ?? [])
      for (const event of job.events) if (event.rev === rev) return event.origin
    return ''
  }

  /** Whether this node itself has seen the chat told up to a revision. */
  knows(chatHex: string, rev: number): boolean {
    return (this.#fanned.get(chatHex) ?? 0) >= rev
  }

  /** How far this Redis has told each of the chats; null where it does not know. */
  async marks(chatHexes: string[]): Promise<Array<number | null>> {
    if (chatHexes.length === 0) return []
    const values = await this.#redis.commands.mget(chatHexes.map((hex) => `fan:${hex}`))
    return values.map((value) => (value === null ? null : Number(value)))
  }

  /** Events of no chat's log. Gives whether they were told: nobody tells them again by himself. */
  async tellUsers(sets: string[], events: Array<Omit<FanoutEvent, 'rev' | 'unreadFor'>>): Promise<boolean> {
    const job: ChatFanout = {
      chatHex: '',
      from: 0,
      to: 0,
      sets,
      events: events.map((event) => ({ ...event, rev: 0, unreadFor: '' })),
    }
    const [reply] = await this.#pipe([job], false)
    return reply !== undefined
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  async #send(jobs: ChatFanout[]): Promise<void> {
    const replies = await this.#pipe(jobs, false)
    jobs.forEach((job, index) => {
      const reply = replies[index]
      if (reply) this.#settle(job, reply)
      else this.#hold(job, RETRY_MS)
    })
  }

  #settle(job: ChatFanout, [status, , mark]: Reply): void {
    if (status === 'ok' || status === 'done') this.#remember(job.chatHex, Math.max(mark, job.to))
    else this.#hold(job, status === 'gap' ? (GAP_WAITS_MS[0] ?? 0) : 0)
  }

  #remember(chatHex: string, rev: number): void {
    this.#fanned.delete(chatHex)
    this.#fanned.set(chatHex, rev)
    if (this.#fanned.size > FANNED_MEMORY) {
      const oldest = this.#fanned.keys().next().value
      if (oldest !== undefined) this.#fanned.delete(oldest)
    }
    this.#source?.fanned(chatHex, rev)
  }

  /** Keeps a chat's jobs in order while the first one cannot be told. */
  #hold(job: ChatFanout, waitMs: number): void {
    const held = this.#held.get(job.chatHex)
    if (held) {
      held.push(job)
      return
    }
    this.#held.set(job.chatHex, [job])
    this.#later(waitMs, () => this.#resume(job.chatHex))
  }

  #later(ms: number, task: () => Promise<void>): void {
    if (this.#closed) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#track(task())
    }, ms)
    this.#timers.add(timer)
  }

  async #resume(chatHex: string): Promise<void> {
    const first = this.#held.get(chatHex)?.[0]
    if (!first) {
      this.#held.delete(chatHex)
      return
    }
    for (const wait of GAP_WAITS_MS) {
      const reply = await this.#try(first, false)
      if (reply === null) return this.#later(RETRY_MS, () => this.#resume(chatHex))
      if (reply[0] === 'unknown') break
      if (reply[0] !== 'gap') {
        this.#remember(chatHex, Math.max(reply[2], first.to))
        const rest = this.#held.get(chatHex)?.slice(1) ?? []
        this.#held.delete(chatHex)
        if (rest.length > 0) this.tell(mergeJobs(rest))
        return undefined
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
    return this.#retell(chatHex, first)
  }

  /** Tells a chat from the log, from wherever it stands, and then what was held meanwhile. */
  async #retell(chatHex: string, first: ChatFanout | null): Promise<void> {
    const ready = await this.#retellFromLog(chatHex, first).catch((err: unknown) => {
      this.#log.warn({ err }, 'fan-out from the log failed, to be tried again')
      return false
    })
    if (!ready) return this.#later(RETRY_MS, () => this.#retell(chatHex, first))
    const rest = this.#held.get(chatHex) ?? []
    this.#held.delete(chatHex)
    // What the log told already is 'done' for these, so nothing is told twice.
    if (rest.length > 0) this.tell(mergeJobs(rest))
    return undefined
  }

  async #retellFromLog(chatHex: string, first: ChatFanout | null): Promise<boolean> {
    const source = this.#source
    if (!source) return true
    const [mark] = await this.marks([chatHex])
    let base = mark ?? Math.max(this.#fanned.get(chatHex) ?? 0, await source.fannedRev(chatHex))
    // Page by page, to the end of the log: after an outage that can be far.
    for (;;) {
      const own = first && first.from === base + 1 && mark === null
      const job = own ? first : await source.rebuild(chatHex, base + 1)
      if (!job) return true
      const reply = await this.#try(job, true)
      if (reply === null || reply[0] === 'gap') return false
      base = Math.max(reply[2], job.to)
      this.#remember(chatHex, base)
    }
  }

  async #try(job: ChatFanout, force: boolean): Promise<Reply | null> {
    const [reply] = await this.#pipe([job], force)
    return reply ?? null
  }

  /** One round trip for any number of jobs; an answer that is missing stays undefined. */
  async #pipe(jobs: ChatFanout[], force: boolean): Promise<Array<Reply | undefined>> {
    const runId = this.#redis.runId()
    if (runId === null) return []
    const pipeline = this.#redis.commands.pipeline()
    const suffix = randomBytes(3).toString('hex')
    for (const job of jobs) pipeline.fanout(...scriptArguments(runId, suffix, job, force))
    const replies = await pipeline.exec().catch((err: unknown) => {
      this.#log.warn({ err, chats: jobs.length }, 'fan-out failed, to be told again')
      return null
    })
    return (replies ?? []).map(([err, reply]) => {
      if (err) this.#log.warn({ err }, 'fan-out script failed, to be told again')
      return err ? undefined : (reply as Reply)
    })
  }

  #track(task: Promise<void>): void {
    const tracked = task
      .catch((err: unknown) => this.#log.error({ err }, 'fan-out broke'))
      .finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }
}

function scriptArguments(
  runId: string,
  epochSuffix: string,
  job: ChatFanout,
  force: boolean,
): Array<string | number> {
  const args: Array<string | number> = [
    runId,
    epochSuffix,
    job.chatHex,
    job.from,
    job.to,
    force ? '1' : '',
    job.sets.length,
    ...job.sets,
  ]
  for (const event of job.events)
    args.push(event.rev, event.set + 1, event.payload, event.unreadFor, event.origin)
  return args
}
