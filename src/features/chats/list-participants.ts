/** A chat's participants, page by page, longest-standing first. */
import type { ObjectId } from 'mongodb'
import type { Ctx } from '../../context.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import type { Answer } from '../../wire/endpoint.ts'
import type { ParticipantView } from './schema.ts'
import { activeMembers, toParticipant } from './view.ts'

export async function listParticipants(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: ObjectId,
  input: { limit: number; cursor?: string | undefined },
): Promise<Answer<ParticipantView[]>> {
  const list = `participants:${chatId.toHexString()}`
  const [skip = 0] = input.cursor === undefined ? [] : ctx.pages.open(list, actor.userId, input.cursor)
  // A group has a few hundred members at most, and their order only ever grows at its end.
  const members = (await activeMembers(ctx, chatId)).slice(Number(skip))
  const shown = members.slice(0, input.limit)
  const hasMore = members.length > shown.length
  return {
    data: shown.map(toParticipant),
    pagination: {
      limit: input.limit,
      hasMore,
      nextCursor: hasMore ? ctx.pages.seal(list, actor.userId, [Number(skip) + shown.length]) : null,
    },
  }
}
