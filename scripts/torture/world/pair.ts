// One connection through a link: what comes in on one side goes out on the other, as the weather allows.
import { connect, type Socket } from 'node:net'
import type { Random } from '../random.ts'

/** `up` is from who connects to who listens. */
export type Direction = 'up' | 'down'

/** What a link does with bytes. */
export type Weather =
  | { kind: 'pass' }
  /** Bytes of these directions wait where they are, as they do while packets are lost: TCP sends them later. */
  | { kind: 'stall'; directions: Direction[] }
  | { kind: 'delay'; ms: number }
  | { kind: 'trickle'; bytesPerSecond: number }

const MID_FRAME_PATIENCE_MS = 500
const TRICKLE_STEP_MS = 20

export class Pair {
  onEnd: () => void = () => {}
  readonly #lanes: Lane[]
  readonly #sockets: Socket[]
  #isOver = false

  constructor(near: Socket, targetPort: number, weather: Weather) {
    const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true })
    this.#sockets = [near, far]
    this.#lanes = [new Lane(near, far, 'up'), new Lane(far, near, 'down')]
    for (const socket of this.#sockets) {
      socket.setNoDelay(true)
      // What befalls one side befalls the other: a refused target is a reset for who connected.
      socket.on('error', () => this.reset())
    }
    let open = 2
    const onClose = (): void => {
      open -= 1
      if (open === 0) this.#finish()
    }
    for (const socket of this.#sockets) socket.on('close', onClose)
    this.set(weather)
  }

  set(weather: Weather): void {
    for (const lane of this.#lanes) lane.set(weather)
  }

  /** Lets a part of the next chunk of either direction through, and then resets both sides. */
  cutWithin(random: Random): void {
    for (const lane of this.#lanes) lane.cutWithin(random, () => this.reset())
    setTimeout(() => this.reset(), MID_FRAME_PATIENCE_MS)
  }

  reset(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#finish()
  }

  #finish(): void {
    this.#isOver = true
    for (const lane of this.#lanes) lane.stop()
    this.onEnd()
  }
}

class Lane {
  readonly #from: Socket
  readonly #to: Socket
  readonly #direction: Direction
  #weather: Weather = { kind: 'pass' }
  #isFull = false
  #cut: ((chunk: Buffer) => void) | null = null
  #busy: NodeJS.Timeout | null = null

  constructor(from: Socket, to: Socket, direction: Direction) {
    this.#from = from
    this.#to = to
    this.#direction = direction
    from.on('data', (chunk: Buffer) => this.#forward(chunk))
    from.on('end', () => this.#afterPause(() => to.end()))
    to.on('drain', () => {
      this.#isFull = false
      this.#steer()
    })
  }

  set(weather: Weather): void {
    this.#weather = weather
    this.#steer()
  }

  /** A part of the next chunk goes out, and then `reset` is called. */
  cutWithin(random: Random, reset: () => void): void {
    this.#cut = (chunk) => {
      this.#to.write(chunk.subarray(0, random.between(1, Math.max(1, chunk.length - 1))), reset)
    }
  }

  stop(): void {
    if (this.#busy !== null) clearTimeout(this.#busy)
  }

  // A paused socket is not read: the kernel's buffers fill, and the sender feels it as on a real link.
  #steer(): void {
    const isStalled = this.#weather.kind === 'stall' && this.#weather.directions.includes(this.#direction)
    if (isStalled || this.#isFull || this.#busy !== null) this.#from.pause()
    else this.#from.resume()
  }

  #forward(chunk: Buffer): void {
    if (this.#cut !== null) this.#cut(chunk)
    else if (this.#weather.kind === 'delay') this.#hold(this.#weather.ms, () => this.#write(chunk))
    else if (this.#weather.kind === 'trickle') this.#trickle(chunk, this.#weather.bytesPerSecond)
    else this.#write(chunk)
  }

  #write(chunk: Buffer): void {
    if (this.#to.writable && !this.#to.write(chunk)) {
      this.#isFull = true
      this.#steer()
    }
  }

  #trickle(chunk: Buffer, bytesPerSecond: number): void {
    const size = Math.max(1, Math.round((bytesPerSecond * TRICKLE_STEP_MS) / 1000))
    this.#write(chunk.subarray(0, size))
    const rest = chunk.subarray(size)
    if (rest.length === 0) return
    // The weather may have changed by then, and then the rest goes as fast as that allows.
    this.#hold(TRICKLE_STEP_MS, () => this.#forward(rest))
  }

  // One chunk at a time is under way, so that order holds however long each takes.
  #hold(ms: number, then: () => void): void {
    this.#busy = setTimeout(() => {
      this.#busy = null
      then()
      this.#steer()
    }, ms)
    this.#steer()
  }

  #afterPause(then: () => void): void {
    if (this.#busy === null) then()
    else setTimeout(() => this.#afterPause(then), TRICKLE_STEP_MS)
  }
}
