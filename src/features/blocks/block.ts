/** Blocking and unblocking. Repeating either is a success without effect; the blocked one is not told. */
import type { Ctx } from '../../context.ts'
import { invalid, notFound } from '../../lib/errors.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { isUuid } from '../../wire/fields.ts'
import { requireUsers } from '../accounts/index.ts'
import { endBlock, insertBlock } from './store.ts'

/** Nothing that the user sends to the direct chat from now on ever reaches the caller. */
export async function blockUser(ctx: Ctx, actor: DeviceActor, userId: string): Promise<void> {
  const blockedId = otherUser(actor, userId)
  await requireUsers(ctx, [blockedId])
  await ctx.blocks.changed(await insertBlock(ctx.db, actor.userId, blockedId))
}

/** What was sent meanwhile stays away. */
export async function unblockUser(ctx: Ctx, actor: DeviceActor, userId: string): Promise<void> {
  const blockedId = otherUser(actor, userId)
  const ended = await endBlock(ctx.db, actor.userId, blockedId)
  if (ended) await ctx.blocks.changed(ended)
  else await requireUsers(ctx, [blockedId])
}

function otherUser(actor: DeviceActor, given: string): string {
  const userId = given.toLowerCase()
  if (!isUuid(userId)) throw notFound('user')
  if (userId === actor.userId) throw invalid('userId', 'nobody can block himself')
  return userId
}
