import type { Ctx } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { spreadEnd } from './end-sessions.ts'
import type { Tokens } from './schema.ts'
import { toTokens } from './sign-in.ts'
import { endFamily, rotateRefresh } from './store/sessions.ts'

/**
 * Trades a refresh token for a new pair. Each works once; a spent one means that two hold it, the owner and a thief, and
 * nobody can say which is which: the session ends for both. Two uses at the same moment are exactly that case.
 */
export async function refresh(ctx: Ctx, refreshToken: string, callerIp: string): Promise<Tokens> {
  const given = ctx.accounts.refreshTokens.open(refreshToken)
  if (given === null) throw refused()
  const next = ctx.accounts.refreshTokens.next(refreshToken)
  const rotated = await rotateRefresh(ctx.db, given, next, callerIp)
  if (rotated === null) {
    const ended = await endFamily(ctx.db, given)
    if (ended !== null) await spreadEnd(ctx, ended.userId, [ended.id])
    throw refused()
  }
  return toTokens(ctx, rotated.actor, rotated.now, next.token)
}

const refused = () => new AppError('INVALID_TOKEN', 'The refresh token is not valid. Sign in again.')
