/** Phone numbers in E.164. */
import { parsePhoneNumberFromString } from 'libphonenumber-js/min'
import { z } from 'zod'

export interface Phone {
  /** Full E.164: `+919812345678`. */
  phoneNumber: string
  /** The calling code: `+91`. */
  countryCode: string
}

/**
 * The number behind E.164 text, or null. *Possible* is enough (a known calling code and a length that exists there):
 * numbering plans change faster than their metadata, and whether a number lives is what the code sent to it proves.
 */
export function parsePhone(text: string): Phone | null {
  if (!/^\+[1-9]\d{5,14}$/.test(text)) return null
  const parsed = parsePhoneNumberFromString(text)
  if (parsed === undefined || !parsed.isPossible()) return null
  return { phoneNumber: parsed.number, countryCode: `+${parsed.countryCallingCode}` }
}

/** A request field: E.164 text, normalised. */
export const phoneNumber = z
  .string()
  .max(20)
  .transform((value, ctx) => {
    const phone = parsePhone(value)
    if (phone !== null) return phone.phoneNumber
    ctx.addIssue({ code: 'custom', message: 'must be a phone number in E.164 form, like +919812345678' })
    return z.NEVER
  })
  .meta({ type: 'string', pattern: '^\\+[1-9]\\d{5,14}$', examples: ['+919812345678'] })

/** The calling code of a number that `phoneNumber` has let through. */
export const countryCodeOf = (number: string): string => parsePhone(number)?.countryCode ?? ''
