/** What frames the catching up. */
import { z } from 'zod'
import type { EventSpec } from '../../wire/event-spec.ts'
import { timestamp } from '../../wire/fields.ts'

const cursor = 'q3Vb0dJ1m8sYkT5hLw2XzA'

export const events: EventSpec[] = [
  {
    event: 'auth:ready',
    summary: 'The first frame of a socket that signed in by its header; also the data of the auth:login ack',
    durable: false,
    data: z.object({
      userId: z.string(),
      deviceId: z.string(),
      cursor: z.string(),
      reset: z.boolean(),
      serverTime: timestamp,
    }),
    example: {
      userId: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
      deviceId: '0199d1a2-8e11-7d0a-b4a7-5c2f9e7d6b31',
      cursor,
      reset: false,
      serverTime: '2026-11-20T08:15:30.123Z',
    },
  },
  {
    event: 'sync:done',
    summary: 'Everything missed has been sent; live events follow',
    durable: false,
    data: z.object({ cursor: z.string() }),
    example: { cursor },
  },
]
