/** What members hear of their chats. Those with a place in the log carry its `seq` and `rev`. */
import { z } from 'zod'
import type { EventSpec } from '../../wire/event-spec.ts'
import { chat, chatExample, participant, participantExample } from './schema.ts'

const place = { seq: z.number().int(), rev: z.number().int() }
const chatId = chatExample.id
const userId = participantExample.userId

export const events: EventSpec[] = [
  {
    event: 'chat:created',
    summary: 'The user is in a new chat',
    durable: true,
    data: z.object({ chat, rev: z.number().int() }),
    example: { chat: chatExample, rev: 1 },
  },
  {
    event: 'chat:updated',
    summary: 'A chat, or the user’s own settings of it, changed',
    durable: true,
    data: z.object({ chat, rev: z.number().int() }),
    example: { chat: chatExample, rev: 5 },
  },
  {
    event: 'chat:deleted',
    summary: 'The user took the chat out of his list on another device',
    durable: true,
    data: z.object({ chatId: z.string() }),
    example: { chatId },
  },
  {
    event: 'chat:participant:joined',
    summary: 'Someone is in the chat from now on',
    durable: true,
    data: z.object({ chatId: z.string(), participant, addedBy: z.string(), ...place }),
    example: { chatId, participant: participantExample, addedBy: userId, seq: 6, rev: 6 },
  },
  {
    event: 'chat:participant:left',
    summary: 'Someone is out of the chat; for himself the last event of it',
    durable: true,
    data: z.object({ chatId: z.string(), userId: z.string(), removedBy: z.string().nullable(), ...place }),
    example: { chatId, userId, removedBy: null, seq: 7, rev: 7 },
  },
  {
    event: 'chat:participant:role_changed',
    summary: 'Someone’s role changed',
    durable: true,
    data: z.object({
      chatId: z.string(),
      userId: z.string(),
      role: z.string(),
      changedBy: z.string(),
      ...place,
    }),
    example: { chatId, userId, role: 'admin', changedBy: userId, seq: 8, rev: 8 },
  },
]
