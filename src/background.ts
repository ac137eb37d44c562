/** Work that must not delay an answer: tracked, logged on failure, waited for at shutdown. */
import type { Log } from './lib/log.ts'

export class Background {
  readonly #log: Log
  readonly #running = new Set<Promise<unknown>>()

  constructor(log: Log) {
    this.#log = log
  }

  run(task: () => Promise<unknown>): void {
    const running = task()
      .catch((err: unknown) => this.#log.warn({ err }, 'background task failed'))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }
}
