/** Sockets: the twins of the routes that change a message. */
import { frame, type Ctx } from '../../context.ts'
import { enforceLimit } from '../../stores/rate-limits.ts'
import type { FrameConnection } from '../../wire/frame.ts'
import { deletedExample, editedExample, reactedExample } from './change-routes.ts'
import { editMessage } from './edit.ts'
import { removeReaction, setReaction } from './react.ts'
import { deleteForEveryone, deleteForSelf } from './remove.ts'
import { deleteFrame, editFrame, message, messageExample, reactionFrame } from './schema.ts'

const target = { chatId: messageExample.chatId, messageId: messageExample.id }

async function countUse(ctx: Ctx, { actor }: FrameConnection): Promise<void> {
  if (ctx.config.RATE_LIMITS === 'on') await enforceLimit(ctx.redis, 'messages', actor.userId)
}

export const changeFrames = [
  frame({
    event: 'message:edit',
    summary: 'Edit a message',
    data: editFrame,
    dataExample: { ...target, content: messageExample.content },
    ack: message,
    ackExample: editedExample,
    errors: [
      'RESOURCE_NOT_FOUND',
      'PERMISSION_DENIED',
      'CONFLICT',
      'RATE_LIMIT_EXCEEDED',
      'SERVICE_UNAVAILABLE',
    ],
    handle: async (ctx, connection, data) => {
      await countUse(ctx, connection)
      return editMessage(ctx, connection.actor, data, data.content)
    },
  }),
  frame({
    event: 'message:delete',
    summary: 'Delete a message for everyone, or for oneself',
    data: deleteFrame,
    dataExample: { ...target, forEveryone: true },
    ack: message,
    ackExample: deletedExample,
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'CONFLICT', 'SERVICE_UNAVAILABLE'],
    handle: (ctx, { actor }, data) =>
      (data.forEveryone ? deleteForEveryone : deleteForSelf)(ctx, actor, data),
  }),
  frame({
    event: 'message:reaction',
    summary: 'React to a message; null withdraws the reaction',
    data: reactionFrame,
    dataExample: { ...target, emoji: '👍' },
    ack: message,
    ackExample: reactedExample,
    errors: ['RESOURCE_NOT_FOUND', 'CONFLICT', 'RATE_LIMIT_EXCEEDED', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, connection, data) => {
      await countUse(ctx, connection)
      return data.emoji === null
        ? removeReaction(ctx, connection.actor, data, null)
        : setReaction(ctx, connection.actor, data, data.emoji)
    },
  }),
]
