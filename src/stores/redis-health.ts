/** Whether Redis answers: a broken connection says so at once, a server or a line that stands still after a probe. */
import { within } from '../lib/within.ts'
import type { RedisConnections } from './redis.ts'

const PROBE_EVERY_MS = 1000
const PROBE_LIMIT_MS = 1000

export class RedisHealth {
  back = false
  readonly listeners: Array<(back: boolean) => void> = []
  readonly #connections: RedisConnections
  #timer: NodeJS.Timeout | null = null
  #probing: Promise<void> | null = null
  #closed = false

  constructor(connections: RedisConnections) {
    this.#connections = connections
    // Both have to work: without the one nothing is told, without the other nothing is heard.
    connections.commands.on('close', () => this.#set(false))
    connections.subscriber.on('close', () => this.#set(false))
    for (const client of [connections.commands, connections.subscriber])
      client.on('ready', () => void this.#probe())
  }

  /** Resolves when it is known whether Redis is there. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#probe(), PROBE_EVERY_MS)
    this.#timer.unref()
    await this.#probe()
  }

  close(): void {
    this.#closed = true
    if (this.#timer) clearInterval(this.#timer)
    this.listeners.length = 0
  }

  /** One at a time: a probe that hangs must not be joined by a second one every second. */
  #probe(): Promise<void> {
    if (this.#probing) return this.#probing
    let failed = false
    const asked = this.#connections.probe().catch((err: unknown) => {
      failed = true
      throw err
    })
    this.#probing = within(PROBE_LIMIT_MS, asked)
      .then(
        () => this.#set(true),
        () => {
          this.#set(false)
          // What says that it is away is on its way back by itself.
          if (!failed && !this.#closed) this.#connections.drop()
        },
      )
      .finally(() => {
        this.#probing = null
      })
    return this.#probing
  }

  #set(back: boolean): void {
    if (back === this.back || this.#closed) return
    this.back = back
    for (const listener of this.listeners) listener(back)
  }
}
