/** Reads lines, counted bytes and bytes up to a delimiter from a stream without ever holding more than a piece. */
import { S3Error } from './errors.ts'

const crlf = Buffer.from('\r\n')

export class ByteReader {
  readonly #source: AsyncIterator<Buffer>
  #held: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next()
    if (next.done) return false
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value])
    return true
  }

  /** The text up to the next CRLF; a line longer than the limit is refused. */
  async line(bytesMax: number): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(crlf)
      if (end > bytesMax || (end === -1 && this.#held.length > bytesMax + 1))
        throw new S3Error('InvalidRequest')
      if (end !== -1) {
        const text = this.#held.toString('utf8', 0, end)
        this.#held = this.#held.subarray(end + crlf.length)
        return text
      }
      if (!(await this.#more())) throw new S3Error('IncompleteBody')
    }
  }

  /** Exactly that many bytes, in pieces. */
  async *take(count: number): AsyncGenerator<Buffer> {
    let left = count
    while (left > 0) {
      if (this.#held.length === 0 && !(await this.#more())) throw new S3Error('IncompleteBody')
      const piece = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(piece.length)
      left -= piece.length
      if (piece.length > 0) yield piece
    }
  }

  /** Everything before the delimiter, in pieces; the delimiter is consumed. */
  async *until(delimiter: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(delimiter)
      if (at !== -1) {
        const piece = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + delimiter.length)
        if (piece.length > 0) yield piece
        return
      }
      // The tail may be the start of the delimiter, so it waits for the next bytes.
      const safe = this.#held.length - delimiter.length + 1
      if (safe > 0) {
        const piece = this.#held.subarray(0, safe)
        this.#held = this.#held.subarray(safe)
        yield piece
      }
      if (!(await this.#more())) throw new S3Error('IncompleteBody')
    }
  }

  /** True where nothing is left to read. */
  async atEnd(): Promise<boolean> {
    while (this.#held.length === 0) if (!(await this.#more())) return true
    return false
  }
}
