/** One-time codes: made from a CSPRNG, stored only as a keyed hash that is bound to the row, phone and purpose. */
import { createHmac, hkdfSync, randomInt, timingSafeEqual } from 'node:crypto'

export const CODE_RULES = {
  digits: 6,
  lifetimeSeconds: 5 * 60,
  triesMax: 5,
  perHourMax: 3,
  /** What clients wait before they offer "send again". */
  resendSeconds: 30,
} as const

export interface CodeBinding {
  id: string
  phoneNumber: string
  purpose: string
}

export const newCode = (): string =>
  String(randomInt(10 ** CODE_RULES.digits)).padStart(CODE_RULES.digits, '0')

/** Six digits are guessed from a plain hash in a second; with a key outside the database they are not. */
export class CodeHasher {
  readonly #key: Buffer

  constructor(secret: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, 'parley', 'one-time-code', 32))
  }

  hash(code: string, { id, phoneNumber, purpose }: CodeBinding): string {
    return createHmac('sha256', this.#key).update(`${id}\n${phoneNumber}\n${purpose}\n${code}`).digest('hex')
  }

  matches(code: string, binding: CodeBinding, stored: string): boolean {
    return timingSafeEqual(Buffer.from(this.hash(code, binding), 'hex'), Buffer.from(stored, 'hex'))
  }
}
