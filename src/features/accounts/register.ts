import type { Ctx } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { sendSignInCode } from './issue-code.ts'
import { hashPassword } from './passwords.ts'
import { countryCodeOf } from './phone.ts'
import type { CodeSent, Register } from './schema.ts'
import { findUserByUsername } from './store/users.ts'

/**
 * Begins a registration: what was given waits with the code, and nothing exists before the phone has answered. A taken
 * number goes the same way, its password hash and all; its code then signs in the account that exists.
 *
 * Usernames are public, so a taken one is refused here. Whether an e-mail address has an account is not: that
 * is told only to whoever has proven a phone.
 */
export async function register(ctx: Ctx, input: Register, callerIp: string): Promise<CodeSent> {
  const passwordHash = input.password === undefined ? null : await hashPassword(input.password)
  if (input.username !== undefined && (await findUserByUsername(ctx.db, input.username)) !== null)
    throw taken('username')
  return sendSignInCode(ctx, {
    phoneNumber: input.phoneNumber,
    channel: 'sms',
    requestedFrom: callerIp,
    pending: {
      fullName: input.fullName,
      countryCode: countryCodeOf(input.phoneNumber),
      email: input.email ?? null,
      username: input.username ?? null,
      passwordHash,
      timezone: input.timezone ?? null,
    },
  })
}

export const taken = (field: 'username' | 'email') =>
  new AppError(
    'RESOURCE_ALREADY_EXISTS',
    `This ${field === 'email' ? 'e-mail address' : 'username'} is taken.`,
    {
      details: [{ path: field, message: 'is taken' }],
    },
  )
