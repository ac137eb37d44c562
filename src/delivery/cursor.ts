/** Cursors of a user's event stream: enciphered, bound to the user and to the epoch of the streams. */
import { createHash } from 'node:crypto'
import { AppError } from '../lib/errors.ts'
import { BlockCodec } from '../lib/ids.ts'

export interface StreamPosition {
  /** Six hex digits: changes whenever entries of the inboxes may have been lost. */
  epoch: string
  /** Counts the events of the user's partition. */
  place: number
}

/** Six bytes of place, three of zero, three of epoch, four of the user's tag. */
const PLACE = 0
const PLACE_BYTES = 6
const EPOCH = 9
const TAG = 12
const BLOCK = 16

export class StreamCursors {
  readonly #blocks: BlockCodec
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
    this.#blocks = new BlockCodec(secret, 'cursor')
  }

  /** Four bytes that stand for the user inside his cursors. */
  userTag(userId: string): Buffer {
    return createHash('sha256')
      .update(`${this.#secret}\n${userId}`)
      .digest()
      .subarray(0, BLOCK - TAG)
  }

  seal(tag: Buffer, epoch: string, place: number): string {
    return this.sealMany(epoch, place, [tag])[0] ?? ''
  }

  /** Cursors of many users for one place, in the order given. */
  sealMany(epoch: string, place: number, tags: readonly Buffer[]): string[] {
    const blocks = Buffer.alloc(BLOCK * tags.length)
    if (tags.length === 0) return []
    blocks.writeUIntBE(place, PLACE, PLACE_BYTES)
    blocks.write(epoch, EPOCH, TAG - EPOCH, 'hex')
    let at = 0
    for (const tag of tags) {
      if (at > 0) blocks.copyWithin(at, 0, TAG)
      tag.copy(blocks, at + TAG)
      at += BLOCK
    }
    return this.#blocks.sealMany(blocks)
  }

  /** Throws INVALID_INPUT for a cursor that was not given to this user. */
  open(userId: string, cursor: string): StreamPosition {
    const block = this.#blocks.open(cursor)
    if (block === null || !block.subarray(TAG).equals(this.userTag(userId)))
      throw new AppError('INVALID_INPUT', 'cursor: this is not a cursor of yours.', {
        details: [{ path: 'cursor', message: 'is not a cursor of yours' }],
      })
    return {
      place: block.readUIntBE(PLACE, PLACE_BYTES),
      epoch: block.toString('hex', EPOCH, TAG),
    }
  }
}
