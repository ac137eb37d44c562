/**
 * The connections of a pool, and which of them are dead. The driver waits for ever for an answer on a stalled link;
 * a connection on which one never came is thrown away here, and the driver opens another.
 */
import { Socket } from 'node:net'

const SAMPLE_MS = 500

interface Sample {
  bytes: number
  changedAt: number
}

/** The driver's own parsed options, as far as a connection needs them. */
interface Address {
  host: string[]
  port: number[]
  path: string | false
}

export class PostgresLines {
  readonly #lines = new Map<Socket, Sample>()
  readonly #timer: NodeJS.Timeout
  #opened = 0

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS)
    this.#timer.unref()
  }

  /** What the driver calls for each connection. It attaches its listeners before the first event can come. */
  readonly open = ({ host, port, path }: Address): Socket => {
    const line = new Socket()
    // A URL may name several servers: one after another is tried.
    const place = this.#opened++ % host.length
    if (path) line.connect(path)
    else line.connect(port[place] ?? 5432, host[place] ?? '127.0.0.1')
    this.#lines.set(line, { bytes: 0, changedAt: performance.now() })
    // The driver takes its listeners off a closed connection, not ours.
    line.prependOnceListener('close', () => this.#lines.delete(line))
    return line
  }

  /** Ends the lines on which nothing has moved for so long; those that were merely idle are opened again when needed. */
  endSilent(ms: number): void {
    this.#sample()
    const now = performance.now()
    for (const [line, { changedAt }] of this.#lines)
      if (now - changedAt >= ms)
        line.destroy(Object.assign(new Error('the database did not answer in time'), { code: 'ETIMEDOUT' }))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    for (const [line, sample] of this.#lines) {
      const bytes = line.bytesRead + line.bytesWritten
      if (bytes === sample.bytes) continue
      sample.bytes = bytes
      sample.changedAt = performance.now()
    }
  }
}
