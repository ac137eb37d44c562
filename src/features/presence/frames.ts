/** Sockets: typing, foreground and background, following others' presence. */
import { z } from 'zod'
import { frame } from '../../context.ts'
import { invalid } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
import { opaqueId, timestamp, uuid } from '../../wire/fields.ts'
import { setTyping } from './typing.ts'

const chat = z.strictObject({ chatId: opaqueId('chat') })
const chatExample = { chatId: 'chat_Zk3vYq0t8mXb1cJpL5hRwA' }
const users = z.strictObject({ userIds: z.array(uuid).max(LIMITS.presenceSubscriptions) })
const usersExample = { userIds: ['0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10'] }
const nothing = z.strictObject({})

const presence = z.object({
  users: z.array(z.object({ userId: z.string(), isOnline: z.boolean(), lastSeen: timestamp.nullable() })),
})

export const frames = [
  frame({
    event: 'message:typing',
    summary: 'Say that the user is typing; shown for 3 s unless repeated',
    data: chat,
    dataExample: chatExample,
    ack: nothing,
    ackExample: {},
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, { actor }, { chatId }) => {
      await setTyping(ctx, actor, chatId, true)
      return {}
    },
  }),
  frame({
    event: 'message:stop_typing',
    summary: 'Say that the user stopped typing',
    data: chat,
    dataExample: chatExample,
    ack: nothing,
    ackExample: {},
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, { actor }, { chatId }) => {
      await setTyping(ctx, actor, chatId, false)
      return {}
    },
  }),
  frame({
    event: 'user:online',
    summary: 'The app came to the foreground',
    data: nothing,
    dataExample: {},
    ack: nothing,
    ackExample: {},
    handle: async (ctx, { actor, id }) => {
      await ctx.presence.online(actor.userId, id)
      return {}
    },
  }),
  frame({
    event: 'user:offline',
    summary: 'The app went to the background',
    data: nothing,
    dataExample: {},
    ack: nothing,
    ackExample: {},
    handle: async (ctx, { actor, id }) => {
      await ctx.presence.offline(actor.userId, id)
      return {}
    },
  }),
  frame({
    event: 'presence:subscribe',
    summary: 'Hear when people come and go, and learn how they are now',
    data: users,
    dataExample: usersExample,
    ack: presence,
    ackExample: {
      users: [
        { userId: usersExample.userIds[0] ?? '', isOnline: false, lastSeen: '2026-11-20T08:15:30.123Z' },
      ],
    },
    handle: async (ctx, connection, { userIds }) => {
      const { actor, id, following } = connection
      if (new Set([...following, ...userIds]).size > LIMITS.presenceSubscriptions)
        throw invalid('userIds', `a socket follows at most ${LIMITS.presenceSubscriptions} people`)
      for (const userId of userIds) following.add(userId)
      const users = await ctx.presence.follow(actor.userId, id, userIds, connection.whisper)
      // It closed meanwhile: those who were followed after its good-bye are let go here.
      if (!connection.open) await ctx.presence.unfollow(id, userIds)
      return { users }
    },
  }),
  frame({
    event: 'presence:unsubscribe',
    summary: 'Stop hearing of people',
    data: users,
    dataExample: usersExample,
    ack: nothing,
    ackExample: {},
    handle: async (ctx, connection, { userIds }) => {
      for (const userId of userIds) connection.following.delete(userId)
      await ctx.presence.unfollow(connection.id, userIds)
      return {}
    },
  }),
]
