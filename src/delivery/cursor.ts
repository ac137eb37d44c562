/** Cursors of a user's event stream: enciphered, bound to the user and to the epoch of the streams. */
import { createHash } from 'node:crypto'
import { AppError } from '../lib/errors.ts'
import { BlockCodec } from '../lib/ids.ts'

export interface StreamPosition {
  /** Six hex digits: changes whenever entries of the streams may have been lost. */
  epoch: string
  /** Stream id, `<ms>-<n>`. */
  id: string
}

export class StreamCursors {
  readonly #blocks: BlockCodec
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
    this.#blocks = new BlockCodec(secret, 'cursor')
  }

  /** Four bytes that stand for the user inside his cursors. */
  userTag(userId: string): Buffer {
    return createHash('sha256').update(`${this.#secret}\n${userId}`).digest().subarray(0, 4)
  }

  seal(tag: Buffer, epoch: string, id: string): string {
    const block = Buffer.allocUnsafe(16)
    writeBlock(block, 0, tag, epoch, id)
    return this.#blocks.seal(block)
  }

  /** Cursors of many users for one event, in the order given. */
  sealMany(epoch: string, places: ReadonlyArray<{ tag: Buffer; id: string }>): string[] {
    const blocks = Buffer.allocUnsafe(16 * places.length)
    places.forEach(({ tag, id }, index) => writeBlock(blocks, 16 * index, tag, epoch, id))
    return this.#blocks.sealMany(blocks)
  }

  /** Throws INVALID_INPUT for a cursor that was not given to this user. */
  open(userId: string, cursor: string): StreamPosition {
    const block = this.#blocks.open(cursor)
    if (block === null || !block.subarray(12).equals(this.userTag(userId)))
      throw new AppError('INVALID_INPUT', 'cursor: this is not a cursor of yours.', {
        details: [{ path: 'cursor', message: 'is not a cursor of yours' }],
      })
    return {
      id: `${block.readUIntBE(0, 6)}-${block.readUIntBE(6, 3)}`,
      epoch: block.toString('hex', 9, 12),
    }
  }
}

function writeBlock(into: Buffer, at: number, tag: Buffer, epoch: string, id: string): void {
  const dash = id.indexOf('-')
  into.writeUIntBE(Number(id.slice(0, dash)), at, 6)
  into.writeUIntBE(Number(id.slice(dash + 1)) & 0xffffff, at + 6, 3)
  into.write(epoch, at + 9, 3, 'hex')
  tag.copy(into, at + 12)
}

/** Orders two stream ids: negative, zero or positive. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0
  const dashA = a.indexOf('-')
  const dashB = b.indexOf('-')
  const ms = Number(a.slice(0, dashA)) - Number(b.slice(0, dashB))
  return ms !== 0 ? ms : Number(a.slice(dashA + 1)) - Number(b.slice(dashB + 1))
}
