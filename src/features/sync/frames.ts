/** Sockets: moving one's position, and saying what is stored. */
import { z } from 'zod'
import { frame } from '../../context.ts'
import { streamCursor } from '../../wire/fields.ts'

const cursor = z.strictObject({ cursor: streamCursor })
const cursorExample = { cursor: 'q3Vb0dJ1m8sYkT5hLw2XzA' }

export const frames = [
  frame({
    event: 'sync:resume',
    summary: 'Go back to a cursor: everything missed follows in order, then sync:done, then live events',
    data: cursor,
    dataExample: cursorExample,
    ack: z.object({ cursor: z.string(), reset: z.boolean() }),
    ackExample: { ...cursorExample, reset: false },
    errors: ['INVALID_INPUT', 'SERVICE_UNAVAILABLE'],
    handle: (_ctx, connection, data) => connection.resume(data.cursor),
  }),
  frame({
    event: 'sync:ack',
    summary: 'This device has stored everything up to the cursor; this is what makes messages delivered',
    data: cursor,
    dataExample: cursorExample,
    ack: cursor,
    ackExample: cursorExample,
    errors: ['INVALID_INPUT', 'SERVICE_UNAVAILABLE'],
    handle: async (_ctx, connection, data) => {
      await connection.acknowledge(data.cursor)
      return { cursor: data.cursor }
    },
  }),
]
