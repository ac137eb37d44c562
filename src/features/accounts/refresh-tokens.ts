/**
 * Refresh tokens: 16 bytes that stay with the session, 16 that change with each use, and a tag over both. The tag tells
 * a token that was once given out from one that was made up, so that a spent one can end its session without a table of
 * all spent ones, and a mistyped one ends nothing.
 */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'

const FAMILY_BYTES = 16
const SECRET_BYTES = 16
const TAG_BYTES = 16
const TOKEN_BYTES = FAMILY_BYTES + SECRET_BYTES + TAG_BYTES

export interface RefreshToken {
  token: string
  familyHash: string
  hash: string
}

export class RefreshTokens {
  readonly #key: Buffer

  constructor(secret: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, 'parley', 'refresh-token', 32))
  }

  /** The first token of a new session. */
  create(): RefreshToken {
    return this.#seal(randomBytes(FAMILY_BYTES))
  }

  /** The next token of the same session. */
  next(token: string): RefreshToken {
    return this.#seal(Buffer.from(token, 'base64url').subarray(0, FAMILY_BYTES))
  }

  /** What the store knows a token by, or null for anything that this service never gave out. */
  open(token: string): RefreshToken | null {
    const bytes = Buffer.from(token, 'base64url')
    if (bytes.length !== TOKEN_BYTES || bytes.toString('base64url') !== token) return null
    const body = bytes.subarray(0, FAMILY_BYTES + SECRET_BYTES)
    if (!timingSafeEqual(this.#tag(body), bytes.subarray(FAMILY_BYTES + SECRET_BYTES))) return null
    return this.#stored(token, bytes)
  }

  #seal(family: Buffer): RefreshToken {
    const body = Buffer.concat([family, randomBytes(SECRET_BYTES)])
    const bytes = Buffer.concat([body, this.#tag(body)])
    return this.#stored(bytes.toString('base64url'), bytes)
  }

  #stored(token: string, bytes: Buffer): RefreshToken {
    return { token, familyHash: sha256(bytes.subarray(0, FAMILY_BYTES)), hash: sha256(bytes) }
  }

  #tag(body: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(body).digest().subarray(0, TAG_BYTES)
  }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
