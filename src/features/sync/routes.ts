/** HTTP: durable events since a cursor. */
import { z } from 'zod'
import { endpoint } from '../../context.ts'
import { LIMITS } from '../../lib/limits.ts'
import { ok } from '../../wire/endpoint.ts'
import { limit, streamCursor } from '../../wire/fields.ts'
import { readSync } from './sync.ts'

const cursor = 'q3Vb0dJ1m8sYkT5hLw2XzA'

export const endpoints = [
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/sync',
    tag: 'Sync',
    summary: 'Durable events since a cursor',
    description:
      'Oldest first, as the socket would send them. Where the server no longer holds them, `reset` is true with a new cursor: catch up by GET /api/chats and each chat’s changes. Without a cursor: where the events stand now.',
    query: z.strictObject({ cursor: streamCursor.optional(), limit: limit(100, LIMITS.syncPageMax) }),
    success: { 200: 'The events.' },
    data: z
      .object({
        events: z.array(z.object({ event: z.string(), cursor: z.string(), data: z.unknown() })),
        cursor: z.string(),
        hasMore: z.boolean(),
        reset: z.boolean(),
      })
      .meta({ id: 'Sync' }),
    dataExample: {
      events: [
        {
          event: 'message:read',
          cursor,
          data: {
            chatId: 'chat_Zk3vYq0t8mXb1cJpL5hRwA',
            userId: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
            upToSeq: 2,
            timestamp: '2026-11-20T08:17:00.000Z',
          },
        },
      ],
      cursor,
      hasMore: false,
      reset: false,
    },
    errors: ['INVALID_INPUT', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { query }) => ok(await readSync(ctx, actor, query)),
  }),
]
