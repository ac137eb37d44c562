/** What members hear of messages. */
import { z } from 'zod'
import { timestamp } from '../../wire/fields.ts'
import type { EventSpec } from '../../wire/event-spec.ts'
import { message, messageExample } from './schema.ts'

const mark = z.object({ chatId: z.string(), userId: z.string(), upToSeq: z.number().int(), timestamp })
const markExample = {
  chatId: messageExample.chatId,
  userId: messageExample.senderId,
  upToSeq: 2,
  timestamp: '2026-11-20T08:17:00.000Z',
}

export const events: EventSpec[] = [
  {
    event: 'message:received',
    summary: 'A message was stored in one of the user’s chats',
    durable: true,
    data: z.object({ message }),
    example: { message: messageExample },
  },
  {
    event: 'message:edited',
    summary: 'A message is now as given here',
    durable: true,
    data: z.object({ message }),
    example: { message: { ...messageExample, rev: 3, isEdited: true, editedAt: '2026-11-20T08:18:00.000Z' } },
  },
  {
    event: 'message:deleted',
    summary: 'A message was deleted for everyone; its place stays',
    durable: true,
    data: z.object({
      chatId: z.string(),
      messageId: z.string(),
      seq: z.number().int(),
      rev: z.number().int(),
      deletedBy: z.string().nullable(),
    }),
    example: {
      chatId: messageExample.chatId,
      messageId: messageExample.id,
      seq: 2,
      rev: 4,
      deletedBy: messageExample.senderId,
    },
  },
  {
    event: 'message:delivered',
    summary: 'A member’s device has stored the chat up to there',
    durable: true,
    data: mark,
    example: markExample,
  },
  {
    event: 'message:read',
    summary: 'A member has read the chat up to there; the reader’s own devices hear it too',
    durable: true,
    data: mark,
    example: markExample,
  },
]
