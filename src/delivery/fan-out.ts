/**
 * Announces what is stored. Publishing is a hint, the log is the truth: whatever fails here is told again from the
 * log, by this node, by the next message of the chat on any node, or by the sweep.
 */
import type { Log } from '../lib/log.ts'
import type { RedisStore } from '../stores/redis.ts'
import { mergeJobs, splitJob, type ChatFanout, type FanoutEvent, type PartFanout } from './chat-fanout.ts'
import { FanoutScript, type FanoutReply } from './fanout-script.ts'
import { HeldFanout, type Held } from './held.ts'

/** What fan-out needs to know of the log, given by the feature that owns it. */
export interface FanoutLog {
  /** The revision up to which fan-out is known to have got, by the log's own record. */
  fannedRev(chatHex: string): Promise<number>
  /** Everything from a revision on, ready to be told; null where the chat has nothing newer. */
  rebuild(chatHex: string, fromRev: number): Promise<ChatFanout | null>
  /** Fan-out got this far; worth recording some time. */
  fanned(chatHex: string, rev: number): void
}

/** Another node is usually just about to tell the missing revision itself. */
const GAP_WAITS_MS = [4, 20, 60]
const RETRY_MS = 500
const FANNED_MEMORY = 50_000
/** How much goes into one round trip when everything that waited for Redis is told. */
const BACK_BATCH = 100

export class FanOut {
  readonly #redis: RedisStore
  readonly #script: FanoutScript
  readonly #log: Log
  #source: FanoutLog | null = null
  /** Chats whose telling failed or waits for another node. */
  readonly #held = new HeldFanout()
  /** How far this node saw each chat told, by partition. */
  readonly #fanned = new Map<string, number>()
  readonly #running = new Set<Promise<void>>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #closed = false

  constructor(redis: RedisStore, log: Log) {
    this.#redis = redis
    this.#script = new FanoutScript(redis, log)
    this.#log = log
    redis.onHealth((back) => {
      if (back) this.#goOn()
    })
  }

  attachLog(source: FanoutLog): void {
    this.#source = source
  }

  /** Tells several chats' news in one round trip. Never throws: what fails is told again later. */
  tell(jobs: ChatFanout[]): void {
    this.#tellParts(jobs.flatMap((job) => splitJob(this.#redis.partitions, job)))
  }

  /** Looks how far a chat was told, and tells the rest from the log. For the sweep. */
  async repair(chatHex: string): Promise<void> {
    const tags = await this.#tagsOf(chatHex)
    await Promise.all(
      tags.filter((tag) => this.#held.add(tag, chatHex, [])).map((tag) => this.#retell(tag, chatHex)),
    )
  }

  /** The connection that was answered for a place that is still to be told. */
  originOf(chatHex: string, rev: number): string {
    for (const tag of this.#redis.partitions.tags)
      for (const job of this.#held.get(tag, chatHex)?.jobs ?? [])
        for (const event of job.events) if (event.rev === rev) return event.origin
    return ''
  }

  /** Whether this node itself has seen the chat told up to a revision. */
  knows(chatHex: string, rev: number): boolean {
    return this.#fannedUpTo(chatHex) >= rev
  }

  /** How far this Redis has told each of the chats to everybody; null where it does not know. */
  async marks(chatHexes: string[]): Promise<Array<number | null>> {
    const byTag = await Promise.all(
      this.#redis.partitions.tags.map((tag) => this.#script.marks(tag, chatHexes)),
    )
    return chatHexes.map((_, index) => lowest(byTag.map((marks) => marks[index] ?? null)))
  }

  /** Events of no chat's log. Gives whether they were told: nobody tells them again by himself. */
  async tellUsers(sets: string[], events: Array<Omit<FanoutEvent, 'rev' | 'unreadFor'>>): Promise<boolean> {
    const parts = splitJob(this.#redis.partitions, {
      chatHex: '',
      from: 0,
      to: 0,
      sets,
      events: events.map((event) => ({ ...event, rev: 0, unreadFor: '' })),
    })
    const replies = await this.#script.run(parts, false)
    return parts.every((_, index) => replies[index] !== undefined)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #tellParts(parts: PartFanout[]): void {
    const now = parts.filter((part) => {
      if (!this.#held.has(part.tag, part.chatHex)) return true
      this.#held.add(part.tag, part.chatHex, [part])
      return false
    })
    if (now.length > 0) this.#track(this.#send(now))
  }

  async #send(parts: PartFanout[]): Promise<void> {
    const replies = await this.#script.run(parts, false)
    parts.forEach((part, index) => {
      const reply = replies[index]
      if (!reply) this.#hold(part, RETRY_MS)
      else if (reply[0] === 'ok' || reply[0] === 'done') this.#remember(part, reply)
      else this.#hold(part, reply[0] === 'gap' ? (GAP_WAITS_MS[0] ?? 0) : 0)
    })
  }

  #remember(
    { tag, chatHex, to }: { tag: string; chatHex: string; to: number },
    [, , mark]: FanoutReply,
  ): void {
    this.#note(tag, chatHex, Math.max(mark, to))
    this.#source?.fanned(chatHex, this.#fannedUpTo(chatHex))
  }

  #note(tag: string, chatHex: string, rev: number): void {
    const key = tag + chatHex
    this.#fanned.delete(key)
    this.#fanned.set(key, rev)
    if (this.#fanned.size <= FANNED_MEMORY) return
    const oldest = this.#fanned.keys().next().value
    if (oldest !== undefined) this.#fanned.delete(oldest)
  }

  /** 0 where this node does not know. */
  #fannedUpTo(chatHex: string): number {
    const { tags } = this.#redis.partitions
    return lowest(tags.map((tag) => this.#fanned.get(tag + chatHex) ?? null)) ?? 0
  }

  /** Keeps a chat's jobs in order while the first one cannot be told. */
  #hold(part: PartFanout, waitMs: number): void {
    const { tag, chatHex } = part
    // The chat is not told to everybody before this part is.
    if (!this.#fanned.has(tag + chatHex)) this.#note(tag, chatHex, part.from - 1)
    if (this.#held.add(tag, chatHex, [part])) this.#later(waitMs, tag, chatHex)
  }

  /** Goes on with a chat after a while; while Redis is away, when it is back. */
  #later(ms: number, tag: string, chatHex: string): void {
    const held = this.#held.get(tag, chatHex)
    if (this.#closed || !held) return
    if (!this.#redis.isBack()) {
      held.waiting = true
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#track(this.#resume(tag, chatHex))
    }, ms)
    this.#timers.add(timer)
  }

  /** Redis is back: what this node holds whole goes out in a few round trips, the rest is read from the log. */
  #goOn(): void {
    const whole: PartFanout[] = []
    for (const held of this.#held.all()) {
      if (!held.waiting) continue
      held.waiting = false
      if (held.fromLog || held.jobs.length === 0) this.#track(this.#resume(held.tag, held.chatHex))
      else whole.push(...mergeJobs(this.#held.take(held.tag, held.chatHex)?.jobs ?? []))
    }
    for (let start = 0; start < whole.length; start += BACK_BATCH)
      this.#tellParts(whole.slice(start, start + BACK_BATCH))
  }

  async #resume(tag: string, chatHex: string): Promise<void> {
    const held = this.#held.get(tag, chatHex)
    if (!held) return
    const first = held.jobs[0]
    if (first && !held.fromLog && !(await this.#waitOut(held, first))) return
    await this.#retell(tag, chatHex)
  }

  /** Waits for another node to tell what lies before the first job. Gives whether only the log can help. */
  async #waitOut(held: Held, first: PartFanout): Promise<boolean> {
    for (const wait of GAP_WAITS_MS) {
      const [reply] = await this.#script.run([first], false)
      if (!reply) {
        this.#later(RETRY_MS, held.tag, held.chatHex)
        return false
      }
      if (reply[0] === 'unknown') return true
      if (reply[0] !== 'gap') {
        this.#remember(first, reply)
        this.#held.dropFirst(held)
        return this.#tellRest(held)
      }
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
    return true
  }

  /** Tells a chat from the log, from wherever it stands, and then what was held meanwhile. */
  async #retell(tag: string, chatHex: string): Promise<void> {
    const held = this.#held.get(tag, chatHex)
    if (!held) return
    const done = await this.#retellFromLog(held).catch((err: unknown) => {
      this.#log.warn({ err }, 'fan-out from the log failed, to be tried again')
      return false
    })
    if (!done) this.#later(RETRY_MS, tag, chatHex)
    // What the log told already is 'done' for these, so nothing is told twice.
    else if (this.#tellRest(held)) this.#later(0, tag, chatHex)
  }

  /** Tells what is still held of a chat. Gives whether some of that was let go meanwhile, so that the log has to. */
  #tellRest(held: Held): boolean {
    if (held.fromLog) return true
    const rest = this.#held.take(held.tag, held.chatHex)?.jobs ?? []
    if (rest.length > 0) this.#tellParts(mergeJobs(rest))
    return false
  }

  async #retellFromLog(held: Held): Promise<boolean> {
    const source = this.#source
    if (!source) return true
    const { tag, chatHex } = held
    held.fromLog = false
    const [mark] = await this.#script.marks(tag, [chatHex])
    let base = mark ?? Math.max(this.#fanned.get(tag + chatHex) ?? 0, await source.fannedRev(chatHex))
    // Page by page, to the end of the log: after an outage that can be far.
    for (;;) {
      const first = held.jobs[0]
      const own = first?.from === base + 1 && mark === null
      const part = own ? first : await this.#rebuildPart(source, tag, chatHex, base + 1)
      if (!part) return true
      const [reply] = await this.#script.run([part], true)
      if (!reply || reply[0] === 'gap') return false
      base = Math.max(reply[2], part.to)
      this.#remember(part, reply)
    }
  }

  async #rebuildPart(
    source: FanoutLog,
    tag: string,
    chatHex: string,
    from: number,
  ): Promise<PartFanout | null> {
    const job = await source.rebuild(chatHex, from)
    if (!job) return null
    const own = splitJob(this.#redis.partitions, job).find((part) => part.tag === tag)
    // Nobody here hears of these revisions, and the mark has to pass them all the same.
    return own ?? { tag, chatHex, from: job.from, to: job.to, sets: [], events: [] }
  }

  /** The partitions in which a chat has to be told: those that know of it, or else those that hold its people. */
  async #tagsOf(chatHex: string): Promise<readonly string[]> {
    const { tags } = this.#redis.partitions
    if (tags.length === 1) return tags
    const marks = await Promise.all(tags.map((tag) => this.#script.marks(tag, [chatHex])))
    const known = tags.filter((_, index) => marks[index]?.[0] != null)
    if (known.length > 0 || !this.#source) return known
    const job = await this.#source.rebuild(chatHex, (await this.#source.fannedRev(chatHex)) + 1)
    return job ? splitJob(this.#redis.partitions, job).map((part) => part.tag) : []
  }

  #track(task: Promise<void>): void {
    const tracked = task
      .catch((err: unknown) => this.#log.error({ err }, 'fan-out broke'))
      .finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }
}

function lowest(values: Array<number | null>): number | null {
  let least: number | null = null
  for (const value of values) if (value !== null && (least === null || value < least)) least = value
  return least
}
