/** From the bytes of a frame to its verb, and from the verb's result to the one answer that a frame with an id gets. */
import { z } from 'zod'
import type { Ctx } from '../context.ts'
import { frames as messageFrames } from '../features/messages/frames.ts'
import { frames as presenceFrames } from '../features/presence/frames.ts'
import { frames as syncFrames } from '../features/sync/frames.ts'
import { AppError } from '../lib/errors.ts'
import { requireShallow } from '../lib/json.ts'
import { answerInTime, toAppError } from '../stores/failures.ts'
import { toJson } from '../wire/encoded.ts'
import type { FrameConnection } from '../wire/frame.ts'
import { validate } from '../wire/validate.ts'

export const CLIENT_FRAMES = [...messageFrames, ...presenceFrames, ...syncFrames]

const table = new Map(CLIENT_FRAMES.map((spec) => [spec.event, spec]))

const envelope = z.strictObject({
  event: z.string().min(1).max(64),
  id: z.union([z.string().min(1).max(64), z.number().int()]).optional(),
  data: z.unknown().optional(),
})

export interface ClientFrame {
  event: string
  id: string | number | undefined
  data: unknown
}

/** The id that an answer must carry, also to a frame that is wrong in any other way. */
export function readId(value: unknown): ClientFrame['id'] {
  const given = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  return envelope.shape.id.safeParse(given).data
}

/** Throws what is wrong with a frame. */
export function readFrame(value: unknown): ClientFrame {
  requireShallow(value)
  const { event, id, data } = validate(envelope, value)
  return { event, id, data: data ?? {} }
}

export async function runFrame(ctx: Ctx, connection: FrameConnection, frame: ClientFrame): Promise<unknown> {
  const spec = table.get(frame.event)
  if (!spec) throw new AppError('INVALID_INPUT', `event: there is no event "${frame.event.slice(0, 64)}".`)
  const outcome = spec.handle(ctx, connection, validate(spec.data, frame.data))
  // A resume that was refused for being late would still move the socket's position.
  return spec.event.startsWith('message:') ? answerInTime(outcome) : outcome
}

export function ackFrame(id: string | number, data: unknown): string {
  return `{"event":"ack","id":${JSON.stringify(id)},"data":${toJson(data)}}`
}

export function errorFrame(
  ctx: Ctx,
  id: string | number | undefined,
  err: unknown,
  requestId: string,
): string {
  const error = toAppError(err)
  // A refusal without a cause is one of our own making: under load there are thousands of them.
  if (error.status === 500 || error.cause !== undefined)
    ctx.log.error({ err: error.cause ?? error, requestId }, 'frame failed')
  return JSON.stringify({
    event: 'error:general',
    ...(id === undefined ? {} : { id }),
    data: undefined,
    error: {
      code: error.code,
      message: error.message,
      details: error.details,
      requestId,
      retryable: error.retryable,
    },
  })
}
