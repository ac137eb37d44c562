/** Opaque ids: an ObjectId enciphered with a key per type, so that nothing about it can be guessed, forged or mixed up. */
import { createCipheriv, createDecipheriv, hkdfSync, type Cipher, type Decipher } from 'node:crypto'

const RECENT_MAX = 10_000
const CHECK = Buffer.from('prly')

/** One AES block each way. ECB is right here: every block is a different 16 bytes and the whole message. */
export class BlockCodec {
  readonly #encipher: Cipher
  readonly #decipher: Decipher

  constructor(secret: string, purpose: string) {
    const key = Buffer.from(hkdfSync('sha256', secret, 'parley', purpose, 16))
    this.#encipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    this.#decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  }

  seal(block: Buffer): string {
    return this.#encipher.update(block).toString('base64url')
  }

  /** Many blocks in one call, which costs little more than one block. */
  sealMany(blocks: Buffer): string[] {
    const sealed = this.#encipher.update(blocks)
    const texts: string[] = []
    for (let at = 0; at < sealed.length; at += 16) texts.push(sealed.toString('base64url', at, at + 16))
    return texts
  }

  /** The 16 bytes, or null where the text is not exactly what `seal` would print for them. */
  open(text: string): Buffer | null {
    if (text.length !== 22) return null
    const bytes = Buffer.from(text, 'base64url')
    if (bytes.length !== 16 || bytes.toString('base64url') !== text) return null
    return this.#decipher.update(bytes)
  }
}

/** `chat_…` or `msg_…` for a 24-digit hex ObjectId, and back. 27 characters at most, stable for life. */
export class IdCodec {
  readonly #prefix: string
  readonly #blocks: BlockCodec
  /** The few ids that are in use right now are asked for again and again. */
  readonly #recent = new Map<string, string>()

  constructor(secret: string, prefix: string) {
    this.#prefix = `${prefix}_`
    this.#blocks = new BlockCodec(secret, `id:${prefix}`)
  }

  encode(hex: string): string {
    const known = this.#recent.get(hex)
    if (known !== undefined) return known
    const id = this.#encipher(hex)
    if (this.#recent.size >= RECENT_MAX) this.#recent.clear()
    this.#recent.set(hex, id)
    return id
  }

  #encipher(hex: string): string {
    const block = Buffer.allocUnsafe(16)
    block.write(hex, 0, 12, 'hex')
    CHECK.copy(block, 12)
    return this.#prefix + this.#blocks.seal(block)
  }

  /** The hex ObjectId, or null for anything that this server did not make. */
  decode(id: string): string | null {
    if (!id.startsWith(this.#prefix)) return null
    const block = this.#blocks.open(id.slice(this.#prefix.length))
    if (block === null || !block.subarray(12).equals(CHECK)) return null
    return block.toString('hex', 0, 12)
  }
}

export interface Ids {
  chat: IdCodec
  message: IdCodec
}

export const createIds = (secret: string): Ids => ({
  chat: new IdCodec(secret, 'chat'),
  message: new IdCodec(secret, 'msg'),
})
