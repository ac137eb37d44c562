/** Durable events since a cursor, for clients without a socket; and what an acknowledged cursor makes delivered. */
import type { Ctx } from '../../context.ts'
import { parsePayload, type ToldMessage } from '../../delivery/index.ts'
import { unavailable } from '../../lib/errors.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { markDelivered } from '../marks/index.ts'

export interface SyncPage {
  events: Array<{ event: string; cursor: string; data: unknown }>
  cursor: string
  hasMore: boolean
  reset: boolean
}

/** Without a cursor: where the stream stands now. `reset` where the server no longer holds what followed the cursor. */
export async function readSync(
  ctx: Ctx,
  actor: DeviceActor,
  { cursor, limit }: { cursor?: string | undefined; limit: number },
): Promise<SyncPage> {
  const { cursors, streams } = ctx.delivery
  const position = cursor === undefined ? null : cursors.open(actor.userId, cursor)
  const state = await streams
    .peek({ userId: actor.userId, epoch: position?.epoch ?? '', place: position?.place ?? 0 }, limit)
    .catch((err: unknown) => {
      throw unavailable('Events cannot be read right now; catch up by chats and changes, or try again.', err)
    })
  const tag = cursors.userTag(actor.userId)
  const seal = (place: number) => cursors.seal(tag, state.epoch, place)
  if (!position || state.since !== 'all')
    return { events: [], cursor: seal(state.last), hasMore: false, reset: position !== null }
  const last = state.entries.at(-1)?.place ?? position.place
  return {
    events: state.entries
      .filter((entry) => entry.payload !== '')
      .map((entry) => {
        const { event, json } = parsePayload(entry.payload)
        return { event, cursor: seal(entry.place), data: JSON.parse(json) as unknown }
      }),
    cursor: seal(last),
    hasMore: last < state.last,
    reset: false,
  }
}

/**
 * A device acknowledged a place that this connection did not write to it: what it got on an earlier connection lies
 * before it in the stream.
 */
export async function deliveredFromStream(ctx: Ctx, userId: string, place: number): Promise<void> {
  const messages = await ctx.delivery.streams.messagesUpTo(userId, place).catch((err: unknown) => {
    throw unavailable('Where this cursor stands cannot be read right now; acknowledge again.', err)
  })
  await markDelivered(ctx, userId, highest(messages))
}

function highest(messages: ToldMessage[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const { chatHex, seq } of messages) places.set(chatHex, Math.max(seq, places.get(chatHex) ?? 0))
  return places
}
