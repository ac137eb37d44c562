// One link of the network, as a TCP proxy that can be broken in the ways in which networks break.
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Random } from '../random.ts'
import { Pair, type Weather } from './pair.ts'

export class Link {
  readonly name: string
  readonly port: number
  readonly #pairs = new Set<Pair>()
  #target: number
  #weather: Weather = { kind: 'pass' }
  #server: Server | null = null

  constructor(name: string, port: number, target: number) {
    this.name = name
    this.port = port
    this.#target = target
  }

  get connections(): number {
    return this.#pairs.size
  }

  async open(): Promise<void> {
    if (this.#server !== null) return
    // Half-open: each side's end is passed on by itself, as a router would.
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket),
    )
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
  }

  /** New connections are refused by the kernel, as if nobody listened there; those that are open go on. */
  refuse(): void {
    this.#server?.close()
    this.#server = null
  }

  /** Resets every connection at once. */
  cut(): void {
    for (const pair of this.#pairs) pair.reset()
  }

  /** Each connection ends within the next chunk that passes: a part of it arrives, then a reset. */
  cutMidFrame(random: Random): void {
    for (const pair of this.#pairs) pair.cutWithin(random)
  }

  set(weather: Weather): void {
    this.#weather = weather
    for (const pair of this.#pairs) pair.set(weather)
  }

  /** Lets everything pass again. */
  async heal(): Promise<void> {
    this.set({ kind: 'pass' })
    await this.open()
  }

  /** New connections lead to another port; those that are open are reset. */
  retarget(port: number): void {
    this.#target = port
    this.cut()
  }

  close(): void {
    this.refuse()
    this.cut()
  }

  #accept(socket: Socket): void {
    const pair = new Pair(socket, this.#target, this.#weather)
    this.#pairs.add(pair)
    pair.onEnd = () => this.#pairs.delete(pair)
  }
}
