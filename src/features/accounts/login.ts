import { createHmac } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Ctx } from '../../context.ts'
import { AppError, unavailable } from '../../lib/errors.ts'
import type { Caller } from '../../wire/endpoint.ts'
import { passwordMatches } from './passwords.ts'
import type { Login, SignedIn } from './schema.ts'
import { beginSession, FORGOTTEN_SECONDS, REMEMBERED_SECONDS, wrongCredentials } from './sign-in.ts'
import { dropAttempt, keepAttempt, reserveAttempt } from './store/attempts.ts'
import { findUserByEmail, findUserByPhone, findUserByUsername, type UserRow } from './store/users.ts'

const WAIT_MS = 50
const WAIT_MAX_MS = 4000

/** Signs in by password. A missing account costs the same work and gets the same answer as a wrong password. */
export async function login(ctx: Ctx, input: Login, caller: Caller): Promise<SignedIn> {
  const user = await findAccount(ctx, input)
  const attempt = await reserve(ctx, accountKey(ctx, input, user), caller.ip)
  const matches = await passwordMatches(input.password, user?.passwordHash ?? null)
  if (user === null || !matches) {
    if (attempt !== null) await keepAttempt(ctx.db, attempt)
    throw wrongCredentials('password')
  }
  if (attempt !== null) await dropAttempt(ctx.db, attempt)
  const session = await ctx.db.transaction((tx) =>
    beginSession(ctx, tx, {
      user,
      device: input.device,
      lifetimeSeconds: input.rememberMe ? REMEMBERED_SECONDS : FORGOTTEN_SECONDS,
      caller,
    }),
  )
  return session.finish()
}

async function findAccount(ctx: Ctx, input: Login): Promise<UserRow | null> {
  if (input.phoneNumber !== undefined) return findUserByPhone(ctx.db, input.phoneNumber)
  if (input.email !== undefined) return findUserByEmail(ctx.db, input.email)
  return findUserByUsername(ctx.db, input.username ?? '')
}

/** One count for an account, however it is named; for names without one a hash, since they may be somebody's number. */
function accountKey(ctx: Ctx, input: Login, user: UserRow | null): string {
  if (user !== null) return user.id
  const named = (input.phoneNumber ?? input.email ?? input.username ?? '').toLowerCase()
  return createHmac('sha256', ctx.config.ID_SECRET).update(`login\n${named}`).digest('hex')
}

/** Null where limits are off. */
async function reserve(ctx: Ctx, account: string, ipAddress: string): Promise<bigint | null> {
  if (ctx.config.RATE_LIMITS === 'off') return null
  for (let waitedMs = 0; waitedMs < WAIT_MAX_MS; waitedMs += WAIT_MS) {
    const reservation = await reserveAttempt(ctx.db, account, ipAddress)
    if (reservation.state === 'reserved') return reservation.id
    if (reservation.state === 'limited')
      throw new AppError('RATE_LIMIT_EXCEEDED', 'Too many failed logins. Try again later.', {
        retryAfterSeconds: reservation.retryAfterSeconds,
      })
    await wait(WAIT_MS)
  }
  throw unavailable('Too many logins at once. Try again.')
}
