// Follows every message until its sender has the answer and every recipient has the message.
export type Quantiles = { p50: number; p95: number; p99: number; max: number }

export type Counts = {
  completed: number
  received: number
  acked: number
  errors: number
  receiveMs: Quantiles | null
  ackMs: Quantiles | null
  /** What one message costs on the wire, all its frames to and from clients, without TCP and TLS. */
  bytesPerMessage: { toServer: number; fromServer: number }
}

type Open = { sentAt: number; isAcked: boolean; received: number }

export class Tracker {
  onDone: (lane: number) => void = () => {}
  readonly #recipients: number
  readonly #open: Map<number, Open>[]
  #isMeasuring = false
  #receiveMs: number[] = []
  #ackMs: number[] = []
  #completed = 0
  #errors = 0
  #toServer = 0
  #fromServer = 0

  constructor(lanes: number, recipients: number) {
    this.#recipients = recipients
    this.#open = Array.from({ length: lanes }, () => new Map<number, Open>())
  }

  get inFlight(): number {
    return this.#open.reduce((sum, lane) => sum + lane.size, 0)
  }

  get completed(): number {
    return this.#completed
  }

  start(): void {
    this.#isMeasuring = true
    this.#receiveMs = []
    this.#ackMs = []
    this.#completed = 0
    this.#errors = 0
    this.#toServer = 0
    this.#fromServer = 0
  }

  stop(): Counts {
    this.#isMeasuring = false
    return {
      completed: this.#completed,
      received: this.#receiveMs.length,
      acked: this.#ackMs.length,
      errors: this.#errors,
      receiveMs: quantiles(this.#receiveMs),
      ackMs: quantiles(this.#ackMs),
      bytesPerMessage: {
        toServer: this.#toServer / Math.max(1, this.#completed),
        fromServer: this.#fromServer / Math.max(1, this.#completed),
      },
    }
  }

  wrote(bytes: number): void {
    this.#toServer += bytes
  }

  read(bytes: number): void {
    this.#fromServer += bytes
  }

  sent(lane: number, number: number): void {
    this.#open[lane]?.set(number, { sentAt: performance.now(), isAcked: false, received: 0 })
  }

  acked(lane: number, number: number): void {
    const message = this.#open[lane]?.get(number)
    if (message === undefined || message.isAcked) return
    message.isAcked = true
    if (this.#isMeasuring) this.#ackMs.push(performance.now() - message.sentAt)
    this.#finish(lane, number, message)
  }

  received(lane: number, number: number): void {
    const message = this.#open[lane]?.get(number)
    if (message === undefined) return
    message.received += 1
    if (this.#isMeasuring) this.#receiveMs.push(performance.now() - message.sentAt)
    this.#finish(lane, number, message)
  }

  /** A refused message leaves the window, or its lane would stand still for the rest of the run. */
  refused(lane: number, number: number): void {
    this.#errors += 1
    if (this.#open[lane]?.delete(number) === true) this.onDone(lane)
  }

  #finish(lane: number, number: number, message: Open): void {
    if (!message.isAcked || message.received < this.#recipients) return
    this.#open[lane]?.delete(number)
    if (this.#isMeasuring) this.#completed += 1
    this.onDone(lane)
  }
}

/** The middle, the tail and the worst of some samples; null where there are none. */
export function quantiles(samples: number[]): Quantiles | null {
  if (samples.length === 0) return null
  const sorted = Float64Array.from(samples).sort()
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}
