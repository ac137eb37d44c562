/**
 * The connections of a pool, and which of them are dead. The driver waits for ever for an answer on a stalled link;
 * a connection on which one never came is thrown away here, and the driver opens another.
 */
import { Socket } from 'node:net'

const SAMPLE_MS = 500

interface Line {
  read: number
  written: number
  /** When the last answer came, or the first question after it. */
  quietSince: number
  asked: boolean
}

/** The driver's own parsed options, as far as a connection needs them. */
interface Address {
  host: string[]
  port: number[]
  path: string | false
}

export class PostgresLines {
  readonly #lines = new Map<Socket, Line>()
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
    this.#lines.set(line, { read: 0, written: 0, quietSince: performance.now(), asked: true })
    // The driver takes its listeners off a closed connection, not ours.
    line.prependOnceListener('close', () => this.#lines.delete(line))
    return line
  }

  /** Ends the lines on which no answer has come for so long; those that were merely idle are opened again when needed. */
  endSilent(ms: number): void {
    this.#sample()
    const now = performance.now()
    for (const [line, { quietSince }] of this.#lines)
      if (now - quietSince >= ms)
        line.destroy(Object.assign(new Error('the database did not answer in time'), { code: 'ETIMEDOUT' }))
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    const now = performance.now()
    for (const [socket, line] of this.#lines) {
      const answered = socket.bytesRead !== line.read
      // More questions behind one that was not answered do not make a line less quiet: the driver sends many at once.
      if (answered || (!line.asked && socket.bytesWritten !== line.written)) line.quietSince = now
      line.asked = !answered && (line.asked || socket.bytesWritten !== line.written)
      line.read = socket.bytesRead
      line.written = socket.bytesWritten
    }
  }
}
