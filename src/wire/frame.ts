/** What a client frame of the socket is, as the doors dispatch it and AsyncAPI describes it. */
import type { z } from 'zod'
import type { ErrorCode } from '../lib/errors.ts'
import type { DeviceActor } from './actor.ts'
import type { SendOrder } from './send-order.ts'

/** The connection as features see it. */
export interface FrameConnection {
  readonly id: string
  readonly actor: DeviceActor
  readonly open: boolean
  readonly order: SendOrder
  /** Whose presence this socket hears of. */
  readonly following: Set<string>
  /** Writes a whole frame that needs no cursor. */
  readonly whisper: (frame: string) => void
  /** Moves the position of this socket: what was missed since the cursor follows the answer. */
  resume(cursor: string): Promise<{ cursor: string; reset: boolean }>
  /** This device has stored everything up to the cursor. */
  acknowledge(cursor: string): Promise<void>
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
  return <I, O>(spec: FrameSpec<C, I, O>): AnyFrame<C> => spec
}
