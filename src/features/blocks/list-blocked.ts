/** Whom the caller blocks, as he may see them, newest first. */
import type { Ctx } from '../../context.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import type { Answer } from '../../wire/endpoint.ts'
import { findPublicUsers, type PublicUser } from '../accounts/index.ts'
import { listBlockRows } from './store.ts'

const LIST = 'blocked'

export async function listBlocked(
  ctx: Ctx,
  actor: DeviceActor,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<Answer<PublicUser[]>> {
  const [changedAt, blockedId] = cursor === undefined ? [] : ctx.pages.open(LIST, actor.userId, cursor)
  const after =
    changedAt === undefined ? null : { changedAt: String(changedAt), blockedId: String(blockedId) }
  const rows = await listBlockRows(ctx.db, actor.userId, { limit: limit + 1, after })
  const shown = rows.slice(0, limit)
  const users = await findPublicUsers(
    ctx,
    actor.userId,
    shown.map((row) => row.blockedId),
  )
  const last = shown.at(-1)
  const hasMore = rows.length > limit
  return {
    data: shown.flatMap((row) => users.get(row.blockedId) ?? []),
    pagination: {
      limit,
      nextCursor:
        hasMore && last
          ? ctx.pages.seal(LIST, actor.userId, [last.changedAt.toISOString(), last.blockedId])
          : null,
      hasMore,
    },
  }
}
