/** Durable events since a cursor, for clients without a socket; and what an acknowledged cursor makes delivered. */
import type { Ctx } from '../../context.ts'
import { compareIds, parsePayload, type StreamEntry } from '../../delivery/index.ts'
import { unavailable } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
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
    .peek({ userId: actor.userId, epoch: position?.epoch ?? '', id: position?.id ?? '' }, limit)
    .catch((err: unknown) => {
      throw unavailable('Events cannot be read right now; catch up by chats and changes, or try again.', err)
    })
  const tag = cursors.userTag(actor.userId)
  const seal = (id: string) => cursors.seal(tag, state.epoch, id)
  if (!position || state.since !== 'all')
    return { events: [], cursor: seal(state.lastId), hasMore: false, reset: position !== null }
  const last = state.entries.at(-1)?.id ?? position.id
  return {
    events: state.entries
      .filter((entry) => entry.payload !== '')
      .map((entry) => {
        const { event, json } = parsePayload(entry.payload)
        return { event, cursor: seal(entry.id), data: JSON.parse(json) as unknown }
      }),
    cursor: seal(last),
    hasMore: compareIds(last, state.lastId) < 0,
    reset: false,
  }
}

/**
 * A device acknowledged a place that this connection did not write to it: what it got on an earlier connection lies
 * before it in the stream.
 */
export async function deliveredFromStream(ctx: Ctx, userId: string, id: string): Promise<void> {
  const entries = await ctx.delivery.streams.readBack(userId, id, LIMITS.syncPageMax)
  await markDelivered(ctx, userId, places(entries))
}

function places(entries: StreamEntry[]): Map<string, number> {
  const highest = new Map<string, number>()
  for (const { payload } of entries) {
    const mark = payload === '' ? null : parsePayload(payload).mark
    if (mark) highest.set(mark.chatHex, Math.max(mark.seq, highest.get(mark.chatHex) ?? 0))
  }
  return highest
}
