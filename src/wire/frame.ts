/** What a client frame of the socket is, as the doors dispatch it and AsyncAPI describes it. */
import type { z } from 'zod'
import type { ErrorCode } from '../lib/errors.ts'
import type { DeviceActor } from './actor.ts'

/** The connection as features see it. */
export interface FrameConnection {
  readonly id: string
  readonly actor: DeviceActor
}

export interface FrameSpec<C, I, O> {
  event: string
  summary: string
  data: z.ZodType<I>
  dataExample: unknown
  ack?: z.ZodType<O>
  ackExample?: unknown
  errors?: ErrorCode[]
  handle(ctx: C, connection: FrameConnection, data: I): Promise<O>
}

export type AnyFrame<C> = FrameSpec<C, unknown, unknown>

export function frameFor<C>() {
  return <I, O>(spec: FrameSpec<C, I, O>): AnyFrame<C> => spec as unknown as AnyFrame<C>
}
