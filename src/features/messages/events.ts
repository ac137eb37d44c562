/** What members hear of messages. */
import { z } from 'zod'
import { timestamp } from '../../wire/fields.ts'
import type { EventSpec } from '../../wire/event-spec.ts'
import { editedExample } from './change-routes.ts'
import { message, messageExample } from './schema.ts'

const mark = z.object({ chatId: z.string(), userId: z.string(), upToSeq: z.number().int(), timestamp })
const markExample = {
  chatId: messageExample.chatId,
  userId: messageExample.senderId,
  upToSeq: 2,
  timestamp: '2026-11-20T08:17:00.000Z',
}

const reaction = z.object({
  chatId: z.string(),
  messageId: z.string(),
  userId: z.string(),
  emoji: z.string(),
  rev: z.number().int(),
})
const reactionExample = {
  chatId: messageExample.chatId,
  messageId: messageExample.id,
  userId: messageExample.senderId,
  emoji: '👍',
  rev: 3,
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
    example: { message: editedExample },
  },
  {
    event: 'message:deleted',
    summary:
      'A message was deleted for everyone, where its place stays, or on another device for the user alone, where message:edited with the void place follows',
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
    event: 'message:reaction:added',
    summary:
      'Someone reacted to a message; one who had reacted before withdrew that by message:reaction:removed',
    durable: true,
    data: reaction,
    example: reactionExample,
  },
  {
    event: 'message:reaction:removed',
    summary: 'Someone withdrew or replaced a reaction',
    durable: true,
    data: reaction,
    example: { ...reactionExample, rev: 4 },
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
