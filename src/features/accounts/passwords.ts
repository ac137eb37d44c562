/** Passwords: argon2id, a floor on length, and a list of those that everyone tries first. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hash, verify } from '@node-rs/argon2'
import { codePoints, text } from '../../wire/fields.ts'

// OWASP's floor for argon2id, which is the package's default kind: 19 MiB, two passes, one lane; about 30 ms.
const COST = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 }

const COMMON = new Set(
  readFileSync(new URL('./common-passwords.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean),
)

/** True for a password that a guesser tries first, in any case. */
export const isCommonPassword = (password: string): boolean => COMMON.has(password.toLowerCase())

/** A password being set: 8 to 128 code points, not a common one. */
export const newPassword = text(8, 128)
  .refine((value) => codePoints(value) >= 8, { message: 'must have 8 to 128 characters' })
  .refine((value) => !isCommonPassword(value), {
    message: 'is one of the most common passwords; choose another',
  })
  .meta({ type: 'string', format: 'password', minLength: 8, maxLength: 128 })

/** A password being tried. Too short or common ones are simply wrong, not malformed. */
export const triedPassword = text(1, 1024).meta({ type: 'string', format: 'password' })

// One keyboard composes é, another does not; both must open the same account.
const canonical = (password: string): string => password.normalize('NFKC')

export const hashPassword = (password: string): Promise<string> => hash(canonical(password), COST)

let decoy: Promise<string> | null = null

/** Checks a password. Without a hash it works as long and says no, so that time does not tell who has an account. */
export async function passwordMatches(password: string, passwordHash: string | null): Promise<boolean> {
  decoy ??= hash(randomBytes(16), COST)
  const matches = await verify(passwordHash ?? (await decoy), canonical(password))
  return passwordHash !== null && matches
}
