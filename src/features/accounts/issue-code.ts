/** Makes a code for a number and sends it: what `register` and `request-code` share. */
import type { Ctx } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { uuidv7 } from '../../lib/uuid.ts'
import { CODE_RULES, newCode } from './codes.ts'
import type { CodeSent } from './schema.ts'
import { issueCode } from './store/codes.ts'
import { findUserByPhone } from './store/users.ts'
import type { PendingRegistration } from './tables.ts'

export const SIGN_IN = 'sign-in'

interface CodeRequest {
  phoneNumber: string
  channel: 'sms' | 'voice'
  requestedFrom: string
  pending?: PendingRegistration
}

/** The same steps in the same order for every number: neither answer nor time tells which ones have an account. */
export async function sendSignInCode(ctx: Ctx, request: CodeRequest): Promise<CodeSent> {
  // First: a code that cannot be sent must not count, nor replace one that was.
  ctx.accounts.sender.requireReady(request.channel)
  const { phoneNumber, channel, requestedFrom, pending } = request
  const id = uuidv7(ctx.clock.now())
  const code = newCode()
  const outcome = await issueCode(ctx.db, {
    id,
    phoneNumber,
    purpose: SIGN_IN,
    codeHash: ctx.accounts.codes.hash(code, { id, phoneNumber, purpose: SIGN_IN }),
    requestedFrom,
    limited: ctx.config.RATE_LIMITS === 'on',
    ...(pending === undefined ? {} : { pending }),
  })
  if (!outcome.issued)
    throw new AppError(
      'RATE_LIMIT_EXCEEDED',
      'This number has been sent its codes for this hour. Try again later.',
      {
        retryAfterSeconds: outcome.retryAfterSeconds,
      },
    )
  const user = await findUserByPhone(ctx.db, phoneNumber)
  const useful = user !== null || outcome.pending !== null
  await ctx.accounts.sender.send(
    useful
      ? {
          channel,
          to: phoneNumber,
          body: `Your Parley code is ${code}. It is valid for 5 minutes. Share it with nobody.`,
          data: { otp: code, purpose: SIGN_IN },
        }
      : {
          channel,
          to: phoneNumber,
          body: 'Somebody asked for a Parley code for this number, which has no account. Register first.',
          data: { purpose: SIGN_IN },
        },
  )
  return { otpExpiresIn: CODE_RULES.lifetimeSeconds, resendAfter: outcome.resendAfterSeconds }
}
