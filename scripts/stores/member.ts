import type { RunningStore } from './redis.ts'
import { sendSignal } from './processes.ts'

/** One of several servers that make a store together: killed, frozen, and started again in its place. */
export class Member {
  #running: RunningStore
  readonly #start: (port: number) => Promise<RunningStore>

  constructor(running: RunningStore, start: (port: number) => Promise<RunningStore>) {
    this.#running = running
    this.#start = start
  }

  get name(): string {
    return this.#running.name
  }

  get pid(): number {
    return this.#running.pid
  }

  get port(): number {
    return this.#running.port
  }

  get host(): string {
    return `127.0.0.1:${this.port}`
  }

  get version(): string {
    return this.#running.version
  }

  hasExited(): boolean {
    return this.#running.hasExited()
  }

  /** Ends it with kill -9, as a crash would. */
  async kill(): Promise<void> {
    await this.#running.kill()
  }

  /** Stands it still; its connections stay open and silent. */
  freeze(): void {
    if (!this.hasExited()) sendSignal(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    if (!this.hasExited()) sendSignal(this.pid, 'SIGCONT')
  }

  /** Starts it again on its port and with its data, and waits until it answers. */
  async restart(): Promise<void> {
    await this.stop()
    this.#running = await this.#start(this.port)
  }

  /** Stops it as its manual says. Harmless when it has ended. */
  async stop(): Promise<void> {
    // What stands still hears no request to stop.
    this.thaw()
    await this.#running.stop()
  }
}
