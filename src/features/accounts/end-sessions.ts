/** Ending sessions: the store first, then this node, then the others, each of which would find out by itself in seconds. */
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { isUuid } from '../../wire/fields.ts'
import { endAllSessionsOf, endSessionOf, type EndReason } from './store/sessions.ts'

/** Signs this device out. */
export async function logout(ctx: Ctx, actor: DeviceActor): Promise<void> {
  await endSessionOf(ctx.db, actor.userId, actor.sessionId, 'logout')
  await spreadEnd(ctx, actor.userId, [actor.sessionId])
}

/** Signs every device of the user out, this one too. */
export async function endAllSessions(ctx: Ctx, userId: string, reason: EndReason): Promise<void> {
  const ended = await endAllSessionsOf(ctx.db, userId, reason)
  await spreadEnd(ctx, userId, ended)
}

/** Ends one of the caller's own sessions; anybody else's does not exist for him. */
export async function endSession(ctx: Ctx, actor: DeviceActor, sessionId: string): Promise<void> {
  const id = sessionId.toLowerCase()
  if (!isUuid(id) || !(await endSessionOf(ctx.db, actor.userId, id, 'ended'))) throw notFound('session')
  await spreadEnd(ctx, actor.userId, [id])
}

/** Makes ended sessions end everywhere: sockets close, tokens stop, the user's other devices learn of it. */
export async function spreadEnd(ctx: Ctx, userId: string, sessionIds: readonly string[]): Promise<void> {
  if (sessionIds.length === 0) return
  ctx.accounts.sessions.markEnded(sessionIds)
  try {
    await ctx.delivery.endSessions(sessionIds)
  } catch (err) {
    // Stored is ended: the other nodes read it from the feed within 5 s.
    ctx.log.warn({ err }, 'ended sessions were not announced')
  }
  ctx.after(() => ctx.untold.accounts.tellEnded(sessionIds.map((id) => ({ id, userId }))))
}
