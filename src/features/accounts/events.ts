/** What a user's own devices hear of the account. */
import { z } from 'zod'
import type { EventSpec } from '../../wire/event-spec.ts'
import { USER } from './examples.ts'
import { user } from './schema.ts'

export const events: EventSpec[] = [
  {
    event: 'session:ended',
    summary: 'One of the user’s sessions ended',
    durable: true,
    data: z.object({ sessionId: z.string() }),
    example: { sessionId: '0199d1a2-8e11-7d0a-b4a7-5c2f9e7d6b31' },
  },
  {
    event: 'user:updated',
    summary: 'The user changed his profile or settings on another device',
    durable: true,
    data: z.object({ user }),
    example: { user: USER },
  },
]
