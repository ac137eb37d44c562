/** One socket's place in its user's events: what was written to it last, and what has to wait. */
import type { StreamCursors } from './cursor.ts'
import { parsePayload, type EncodedEvent } from './payload.ts'
import type { StreamEntry } from './streams.ts'

/** A socket as delivery sees it. */
export interface Sink {
  readonly id: string
  readonly userId: string
  /** Writes one durable event. `place` orders the user's events. */
  push(event: EncodedEvent, cursor: string, place: number): void
  /** Writes something short-lived, already a whole frame. */
  whisper(frame: string): void
  /** Waits until a reader that is behind has taken what was written to it. */
  drained(): Promise<void>
  /** Asks the client to come again and resume: what it missed can no longer be told live. */
  restart(): void
}

/** A live event with its place, as this node's channel brings it. */
export interface LiveEvent {
  event: EncodedEvent
  /** The connection that got an answer instead. */
  origin: string
  epoch: string
  place: number
  cursor: string
}

/** The epoch of a seat that was taken while Redis was away: no cursor of it is ever honoured. */
export const NO_EPOCH = '000000'

/** What a joining seat holds back at most: behind that its stream is read instead. */
const HELD_MAX = 500

export class Seat {
  readonly sink: Sink
  /** Joining: the backlog is being written. Catching: what came by while the node was not registered is being read. */
  state: 'joining' | 'live' | 'catching' = 'joining'
  epoch = ''
  position = 0
  readonly #tag: Buffer
  readonly #cursors: StreamCursors
  /** Live events that wait until the seat is live. */
  #held: LiveEvent[] = []
  #overflowed = false
  #heldFromLog: EncodedEvent[] = []

  /** How often the node's channel had broken off when this seat was last known to have missed nothing. */
  cuts: number

  constructor(sink: Sink, tag: Buffer, cursors: StreamCursors, cuts: number) {
    this.sink = sink
    this.cuts = cuts
    this.#tag = tag
    this.#cursors = cursors
  }

  /** A live event: written, held back, or only noted where the socket got an answer instead. */
  live(told: LiveEvent): void {
    const own = told.origin === this.sink.id
    if (this.state !== 'live' || this.epoch !== told.epoch) {
      if (!own) this.#hold(told)
    } else if (own) this.position = told.place
    else this.#write(told.event, told.cursor, told.place)
  }

  writeEntries(epoch: string, entries: StreamEntry[]): void {
    for (const { place, payload } of entries) {
      if (payload === '') this.moveTo(place)
      else this.#write(parsePayload(payload), this.#cursors.seal(this.#tag, epoch, place), place)
    }
  }

  /** Writes what comes from the log, under the cursor that the socket has: resuming from it passes nothing over. */
  writeFromLog(event: EncodedEvent): void {
    // Nothing may come before the answer to the sign-in.
    if (this.state === 'joining') {
      this.#heldFromLog.push(event)
      return
    }
    const epoch = this.epoch === '' ? NO_EPOCH : this.epoch
    this.sink.push(event, this.#cursors.seal(this.#tag, epoch, this.position), this.position)
  }

  /** Everything up to there is written, or was answered. */
  moveTo(place: number): void {
    if (place > this.position) this.position = place
  }

  /** Holds from now on: true where what had to be held before was too much and has to be read from the stream. */
  holdAnew(): boolean {
    const overflowed = this.#overflowed
    if (overflowed) this.#held = []
    this.#overflowed = false
    return overflowed
  }

  /** What comes live waits until what was missed before it is read. */
  holdUntilCaughtUp(): void {
    if (this.state === 'live') this.state = 'catching'
  }

  /** Lets live events through; those that were held back go first. */
  release(): void {
    const held = this.#held
    this.#held = []
    this.state = 'live'
    for (const { event, epoch, place, cursor } of held)
      if (epoch === this.epoch) this.#write(event, cursor, place)
    for (const event of this.#heldFromLog.splice(0)) this.writeFromLog(event)
  }

  #hold(told: LiveEvent): void {
    if (this.state === 'joining' && this.#held.length >= HELD_MAX) this.#overflowed = true
    else this.#held.push(told)
  }

  #write(event: EncodedEvent, cursor: string, place: number): void {
    if (place <= this.position) return
    this.position = place
    this.sink.push(event, cursor, place)
  }
}
