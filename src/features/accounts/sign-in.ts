/** What every way of signing in ends with: a device, its session, and a first pair of tokens. */
import type { Ctx } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { uuidv7 } from '../../lib/uuid.ts'
import type { Caller } from '../../wire/endpoint.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { ACCESS_TOKEN_SECONDS } from './access-tokens.ts'
import type { DeviceInput, SignedIn, Tokens } from './schema.ts'
import { insertSession, type Connection } from './store/sessions.ts'
import type { UserRow } from './store/users.ts'
import { toUser } from './view.ts'

export const REMEMBERED_SECONDS = 30 * 24 * 3600
export const FORGOTTEN_SECONDS = 24 * 3600

const UNNAMED: DeviceInput = { name: 'Unnamed device', platform: 'other' }

/** Always the same: it does not tell a wrong code from a dead one, nor a wrong password from a missing account. */
export const wrongCredentials = (what: 'code' | 'password') =>
  new AppError(
    'INVALID_CREDENTIALS',
    what === 'code'
      ? 'This code is not valid for this number. Ask for a new one.'
      : 'The account or the password is wrong.',
  )

export interface NewSignIn {
  user: UserRow
  device: DeviceInput | undefined
  lifetimeSeconds: number
  caller: Caller
}

/** Stores the session in the caller's transaction; `finish` makes the answer once that has been committed. */
export async function beginSession(
  ctx: Ctx,
  db: Connection,
  signIn: NewSignIn,
): Promise<{ finish(): Promise<SignedIn> }> {
  const now = ctx.clock.now()
  const actor: DeviceActor = { userId: signIn.user.id, deviceId: uuidv7(now), sessionId: uuidv7(now) }
  const refresh = ctx.accounts.refreshTokens.create()
  const storedAt = await insertSession(db, {
    id: actor.sessionId,
    userId: actor.userId,
    device: { ...(signIn.device ?? UNNAMED), id: actor.deviceId },
    refresh,
    lifetimeSeconds: signIn.lifetimeSeconds,
    ipAddress: signIn.caller.ip,
    userAgent: signIn.caller.userAgent,
  })
  return {
    finish: async () => {
      ctx.accounts.sessions.markLive(actor.sessionId)
      return {
        user: toUser(signIn.user),
        tokens: await toTokens(ctx, actor, storedAt, refresh.token),
        device: { id: actor.deviceId },
      }
    },
  }
}

export async function toTokens(
  ctx: Ctx,
  actor: DeviceActor,
  issuedAt: Date,
  refreshToken: string,
): Promise<Tokens> {
  return {
    accessToken: await ctx.accounts.tokens.sign(actor, issuedAt),
    refreshToken,
    tokenType: 'Bearer',
    expiresIn: ACCESS_TOKEN_SECONDS,
  }
}
