/** What is heard of others while it lasts: no cursor, no memory. */
import { z } from 'zod'
import { timestamp } from '../../wire/fields.ts'
import type { EventSpec } from '../../wire/event-spec.ts'

const typing = z.object({ chatId: z.string(), userId: z.string() })
const typingExample = {
  chatId: 'chat_Zk3vYq0t8mXb1cJpL5hRwA',
  userId: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
}
const presence = z.object({ userId: z.string(), lastSeen: timestamp.optional() })
const presenceExample = { userId: typingExample.userId, lastSeen: '2026-11-20T08:15:30.123Z' }

export const events: EventSpec[] = [
  {
    event: 'message:typing',
    summary: 'Someone is typing; shown for 3 s',
    durable: false,
    data: typing,
    example: typingExample,
  },
  {
    event: 'message:stop_typing',
    summary: 'Someone stopped typing',
    durable: false,
    data: typing,
    example: typingExample,
  },
  {
    event: 'user:online',
    summary: 'Someone followed came online',
    durable: false,
    data: presence,
    example: presenceExample,
  },
  {
    event: 'user:offline',
    summary: 'Someone followed went offline',
    durable: false,
    data: presence,
    example: presenceExample,
  },
]
