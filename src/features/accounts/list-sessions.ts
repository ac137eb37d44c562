import type { Ctx } from '../../context.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import type { Pagination } from '../../wire/endpoint.ts'
import type { ListSessions, Session } from './schema.ts'
import { listSessionRows } from './store/sessions.ts'

const LIST = 'sessions'

/** The caller's signed-in devices, newest sign-in first. */
export async function listSessions(
  ctx: Ctx,
  actor: DeviceActor,
  input: ListSessions,
): Promise<{ data: Session[]; pagination: Pagination }> {
  const [before] = input.cursor === undefined ? [] : ctx.pages.open(LIST, actor.userId, input.cursor)
  const rows = await listSessionRows(ctx.db, actor.userId, {
    limit: input.limit + 1,
    before: before === undefined ? null : String(before),
  })
  const shown = rows.slice(0, input.limit)
  const hasMore = rows.length > shown.length
  const last = shown.at(-1)
  return {
    data: shown.map((row) => ({
      id: row.id,
      device: row.device,
      current: row.id === actor.sessionId,
      ipAddress: row.ipAddress,
      createdAt: row.createdAt.toISOString(),
      lastActiveAt: row.lastActiveAt.toISOString(),
      expiresAt: row.expiresAt.toISOString(),
    })),
    pagination: {
      limit: input.limit,
      nextCursor: hasMore && last !== undefined ? ctx.pages.seal(LIST, actor.userId, [last.id]) : null,
      hasMore,
    },
  }
}
