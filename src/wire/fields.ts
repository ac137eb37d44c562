/** Field types that both doors share: text that every store accepts, ids, pages. */
import { z } from 'zod'
import { LIMITS } from '../lib/limits.ts'

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

/** Code points, as API.md §11 counts lengths. */
export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}

/** Text of `min` to `max` code points without NUL or lone surrogates. */
export const text = (min: number, max: number) =>
  z
    .string()
    .refine(
      (value) =>
        (min <= 1 ? value.length : codePoints(value)) >= min &&
        (value.length <= max || codePoints(value) <= max),
      {
        message: min > 0 ? `must have ${min} to ${max} characters` : `must have at most ${max} characters`,
      },
    )
    .refine((value) => !value.includes('\u0000') && !LONE_SURROGATE.test(value), {
      message: 'must not contain NUL or lone surrogates',
    })
    .meta({ type: 'string', minLength: min, maxLength: max, pattern: '^[^\\x00]*$' })

/** An opaque id of ours. Its shape is checked where it is opened: whatever does not open is a 404. */
export const opaqueId = (prefix: 'chat' | 'msg') =>
  z.string().meta({
    description: `opaque id`,
    pattern: `^${prefix}_[A-Za-z0-9_-]{1,35}$`,
    examples: [`${prefix}_Zk3vYq0t8mXb1cJpL5hRwA`],
  })

/** A user, device or session id in a path or query: anything malformed is a 404 like an absent one. */
export const pathUuid = z
  .string()
  .meta({ format: 'uuid', examples: ['0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10'] })

// Either case, written out: a JSON Schema pattern has no flags.
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/

export const uuid = z
  .string()
  .regex(UUID, 'must be a UUID')
  .transform((value) => value.toLowerCase())
  .meta({ type: 'string', format: 'uuid', examples: ['0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10'] })

export const isUuid = (value: string): boolean => UUID.test(value)

/** Where it came from decides whether a cursor is good; whatever does not open is INVALID_INPUT, not a wrong field. */
const cursor = (pattern: string, example: string) =>
  z.string().meta({ description: 'a cursor that this server gave', pattern, examples: [example] })

export const pageCursor = cursor('^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{16}$', 'WzE3NjM2MjY1MzBd.q3Vb0dJ1m8sYkT5h')
export const streamCursor = cursor('^[A-Za-z0-9_-]{22}$', 'q3Vb0dJ1m8sYkT5hLw2XzA')

export const timestamp = z.iso.datetime({ precision: 3 }).meta({ examples: ['2026-11-20T08:15:30.123Z'] })

export const clientMessageId = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'must be 1 to 64 characters of A-Z a-z 0-9 _ . : -')

/** Query numbers arrive as text; only plain digits count as a number. */
const digits = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, { message: `must be ${min} to ${max}` })
    .meta({ type: 'integer', minimum: min, maximum: max })

export const limit = (fallback: number, max: number) => digits(1, max).default(fallback)

export const page = {
  limit: limit(LIMITS.pageDefault, LIMITS.pageMax),
  cursor: pageCursor.optional(),
}

export const messagePage = {
  limit: limit(LIMITS.messagePageDefault, LIMITS.messagePageMax),
}
