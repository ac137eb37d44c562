// The record of a run: in memory for the checker, and line by line on disk for whoever looks at a counterexample.
import { mkdirSync, writeFileSync } from 'node:fs'
import { appendFile, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Operation } from './operation.ts'

const FLUSH_MS = 500

export class History {
  readonly operations: Operation[] = []
  readonly path: string
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  #written = 0
  #writing: Promise<void> | null = null

  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true })
    this.path = path
    writeFileSync(path, '')
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS)
    this.#timer.unref()
  }

  /** Milliseconds since the history began, on a clock that never jumps. */
  now(): number {
    return Math.round((performance.now() - this.#startedAt) * 10) / 10
  }

  record(op: Operation): void {
    this.operations.push(op)
  }

  /** Writes what is left; nothing may be recorded afterwards. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    await appendFile(this.path, this.#take())
  }

  /** A history that was written before. */
  static async read(path: string): Promise<Operation[]> {
    const lines = (await readFile(path, 'utf8')).split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Operation)
  }

  #take(): string {
    const lines = this.operations.slice(this.#written)
    this.#written = this.operations.length
    return lines.map((op) => `${JSON.stringify(op)}\n`).join('')
  }

  // One write at a time, so that the lines stay in order.
  #flush(): void {
    if (this.#writing !== null || this.#written === this.operations.length) return
    this.#writing = appendFile(this.path, this.#take()).finally(() => {
      this.#writing = null
    })
  }
}
