/** What waits until a chat can be told again. Bounded: what is too much is read from the log when its time comes. */
import type { PartFanout } from './chat-fanout.ts'

const EVENTS_MAX = 20_000

export interface Held {
  tag: string
  chatHex: string
  /** In order. */
  jobs: PartFanout[]
  /** Some of it was let go, so that only the log knows all. */
  fromLog: boolean
  /** Nothing is under way for it: it waits until Redis is back. */
  waiting: boolean
}

export class HeldFanout {
  readonly #held = new Map<string, Held>()
  #events = 0

  has(tag: string, chatHex: string): boolean {
    return this.#held.has(tag + chatHex)
  }

  get(tag: string, chatHex: string): Held | undefined {
    return this.#held.get(tag + chatHex)
  }

  /** Begins to hold a chat, or adds to what is held of it. Gives whether it began. */
  add(tag: string, chatHex: string, jobs: PartFanout[]): boolean {
    const key = tag + chatHex
    const before = this.#held.get(key)
    const held = before ?? { tag, chatHex, jobs: [], fromLog: false, waiting: false }
    if (!before) this.#held.set(key, held)
    for (const job of jobs) {
      if (this.#events > EVENTS_MAX) this.#letGo(held)
      if (held.fromLog) continue
      held.jobs.push(job)
      this.#events += job.events.length
    }
    return before === undefined
  }

  /** Takes the chat out; gives what was held of it. */
  take(tag: string, chatHex: string): Held | undefined {
    const held = this.#held.get(tag + chatHex)
    if (!held) return undefined
    this.#held.delete(tag + chatHex)
    for (const job of held.jobs) this.#events -= job.events.length
    return held
  }

  /** The first job was told, the others wait on. */
  dropFirst(held: Held): void {
    const first = held.jobs.shift()
    if (first) this.#events -= first.events.length
  }

  all(): Held[] {
    return [...this.#held.values()]
  }

  #letGo(held: Held): void {
    for (const job of held.jobs) this.#events -= job.events.length
    held.jobs = []
    held.fromLog = true
  }
}
