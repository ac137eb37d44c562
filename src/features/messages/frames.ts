/** Sockets: the twins of the message routes. */
import type { z } from 'zod'
import { frame } from '../../context.ts'
import { encoded } from '../../wire/encoded.ts'
import { enforceLimit } from '../../stores/rate-limits.ts'
import { changeFrames } from './change-frames.ts'
import { setMark } from './receipts.ts'
import { marks, marksExample, message, messageExample, readFrame, sendFrame } from './schema.ts'
import { appendMessage, quoteFor } from './send.ts'

export const frames = [
  frame({
    event: 'message:send',
    summary: 'Send a message',
    data: sendFrame,
    dataExample: {
      chatId: messageExample.chatId,
      clientMessageId: 'phone-7.41',
      content: 'Who brings the ball?',
    },
    ack: message,
    ackExample: messageExample,
    errors: [
      'RESOURCE_NOT_FOUND',
      'PERMISSION_DENIED',
      'CONFLICT',
      'RATE_LIMIT_EXCEEDED',
      'SERVICE_UNAVAILABLE',
    ],
    handle: async (ctx, connection, { chatId, ...input }): Promise<z.output<typeof message>> => {
      const { actor, id } = connection
      const limited = ctx.config.RATE_LIMITS === 'on'
      const prepare = async () => {
        if (limited) await enforceLimit(ctx.redis, 'messages', actor.userId)
        return quoteFor(ctx, actor, chatId, input)
      }
      const { json, duplicate } = await connection.order.send(
        chatId,
        input.clientMessageId,
        limited || input.replyToId !== undefined ? prepare : null,
        (replyTo) => appendMessage(ctx, actor, chatId, input, replyTo, id),
      )
      // Only the ack of a repeated send says that it is one.
      return encoded(duplicate ? `${json.slice(0, -1)},"duplicate":true}` : json)
    },
  }),
  frame({
    event: 'message:read',
    summary: 'Move the read mark',
    data: readFrame,
    dataExample: { chatId: messageExample.chatId, upTo: 2 },
    ack: marks,
    ackExample: marksExample,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: (ctx, connection, { chatId, upTo }) => setMark(ctx, connection.actor, chatId, 'read', upTo),
  }),
  ...changeFrames,
]
