// Messages on their way out: pipelined, in order within each chat, sent again with the same id until the
// server has said yes or a final no.
import { randomUUID } from 'node:crypto'
import type { ApiError } from './api-error.ts'
import type { Link } from './link.ts'
import type { Draft, Message } from './model.ts'

/** All that an outbox needs of a connection. */
export type Carrier = Pick<Link, 'call'>

type Entry = {
  body: Draft & { chatId: string; clientMessageId: string }
  isInFlight: boolean
  resolve: (message: Message) => void
  reject: (error: ApiError) => void
}

type Lane = { entries: Entry[]; isHeld: boolean; refusals: number; pauseMs: number }

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 5_000

/** Sees each attempt leave, and each that was refused. */
export type OutboxWatch = {
  onTransmitted?: (chatId: string, clientMessageId: string) => void
  onRefused?: (chatId: string, clientMessageId: string, error: ApiError) => void
}

export class Outbox {
  readonly #lanes = new Map<string, Lane>()
  readonly #onAccepted: (message: Message) => void
  readonly #watch: OutboxWatch
  #link: Carrier | null = null

  constructor(onAccepted: (message: Message) => void, watch: OutboxWatch = {}) {
    this.#onAccepted = onAccepted
    this.#watch = watch
  }

  get size(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.entries.length, 0)
  }

  has(chatId: string): boolean {
    return (this.#lanes.get(chatId)?.entries.length ?? 0) > 0
  }

  /** Resolves once the server has the message, however many connections that takes. */
  send(chatId: string, draft: Draft): Promise<Message> {
    const body = { ...draft, chatId, clientMessageId: draft.clientMessageId ?? randomUUID() }
    return new Promise((resolve, reject) => {
      const lane = this.#lane(chatId)
      lane.entries.push({ body, isInFlight: false, resolve, reject })
      this.#pump(lane)
    })
  }

  /** A new connection is signed in: everything without an answer goes out again, in order. */
  attach(link: Carrier): void {
    this.#link = link
    for (const lane of this.#lanes.values()) {
      lane.isHeld = false
      for (const entry of lane.entries) entry.isInFlight = false
      this.#pump(lane)
    }
  }

  detach(): void {
    this.#link = null
  }

  #pump(lane: Lane): void {
    if (this.#link === null || lane.isHeld) return
    for (const entry of lane.entries) if (!entry.isInFlight) this.#transmit(lane, entry, this.#link)
  }

  #transmit(lane: Lane, entry: Entry, link: Carrier): void {
    entry.isInFlight = true
    const { chatId, clientMessageId } = entry.body
    this.#watch.onTransmitted?.(chatId, clientMessageId)
    link.call('message:send', entry.body, (error, data) => {
      if (error !== null && error.code !== 'NETWORK') this.#watch.onRefused?.(chatId, clientMessageId, error)
      if (error === null) this.#accept(lane, entry, data as Message)
      else if (this.#link !== link) return
      else if (error.code === 'NETWORK') entry.isInFlight = false
      else if (error.retryable) this.#hold(lane, entry, error)
      else this.#drop(lane, entry, () => entry.reject(error))
      if (lane.isHeld && this.#link === link) this.#releaseLater(lane, link)
    })
  }

  #accept(lane: Lane, entry: Entry, message: Message): void {
    lane.refusals = 0
    this.#drop(lane, entry, () => {
      this.#onAccepted(message)
      entry.resolve(message)
    })
  }

  #hold(lane: Lane, entry: Entry, error: ApiError): void {
    entry.isInFlight = false
    if (!lane.isHeld) lane.pauseMs = error.retryAfterMs ?? pauseMs(lane.refusals)
    lane.isHeld = true
  }

  // The server refuses everything after a retryable refusal until the refused one comes again, so the lane
  // waits for all answers and then repeats from its start: any other order would be refused once more.
  #releaseLater(lane: Lane, link: Carrier): void {
    if (lane.entries.some((entry) => entry.isInFlight)) return
    lane.refusals += 1
    setTimeout(() => {
      if (this.#link !== link) return
      lane.isHeld = false
      this.#pump(lane)
    }, lane.pauseMs)
  }

  #drop(lane: Lane, entry: Entry, settle: () => void): void {
    const index = lane.entries.indexOf(entry)
    if (index >= 0) lane.entries.splice(index, 1)
    settle()
  }

  #lane(chatId: string): Lane {
    const known = this.#lanes.get(chatId)
    if (known !== undefined) return known
    const lane: Lane = { entries: [], isHeld: false, refusals: 0, pauseMs: 0 }
    this.#lanes.set(chatId, lane)
    return lane
  }
}

function pauseMs(refusals: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(refusals, 10))
}
