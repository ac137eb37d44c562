/** AsyncAPI 3.0 of the socket, generated from the schemas that validate. Built once at start. */
import { z } from 'zod'
import { events as accountEvents } from '../features/accounts/events.ts'
import { events as chatEvents } from '../features/chats/events.ts'
import { events as messageEvents } from '../features/messages/events.ts'
import { events as presenceEvents } from '../features/presence/events.ts'
import { events as syncEvents } from '../features/sync/events.ts'
import { ERROR_STATUS } from '../lib/errors.ts'
import { VERSION } from '../lib/version.ts'
import { JsonSchemas } from '../wire/json-schemas.ts'
import { CLIENT_FRAMES } from './dispatch.ts'
import { loginData } from './session.ts'

const SERVER_EVENTS = [...syncEvents, ...messageEvents, ...chatEvents, ...presenceEvents, ...accountEvents]

const login = {
  event: 'auth:login',
  summary: 'Sign in with an access token, within 10 s, unless the header did',
  data: loginData,
  dataExample: { token: 'eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.e30.c2ln', cursor: 'q3Vb0dJ1m8sYkT5hLw2XzA' },
  ack: syncEvents[0]?.data,
  ackExample: syncEvents[0]?.example,
  errors: ['UNAUTHORIZED', 'INVALID_TOKEN', 'TOKEN_EXPIRED', 'INVALID_INPUT'],
}

export function buildAsyncApi(): unknown {
  const schemas = new JsonSchemas('#/components/schemas/')
  const messages: Record<string, unknown> = {}
  const operations: Record<string, unknown> = {}
  for (const frame of [login, ...CLIENT_FRAMES]) {
    const name = camel(frame.event)
    messages[name] = clientFrame(frame, schemas)
    if (frame.ack) messages[`${name}Ack`] = ackOf(frame, schemas)
    operations[`receive${upper(name)}`] = {
      action: 'receive',
      channel: { $ref: '#/channels/socket' },
      summary: frame.summary,
      ...(frame.errors?.length
        ? { description: `Errors: ${frame.errors.map((code) => `\`${code}\``).join(', ')}.` }
        : {}),
      messages: [ref(name)],
      reply: {
        channel: { $ref: '#/channels/socket' },
        messages: [ref(frame.ack ? `${name}Ack` : 'error'), ref('error')],
      },
    }
  }
  for (const { event, summary, durable, data, example } of SERVER_EVENTS) {
    const name = `${camel(event)}Event`
    const cursor = durable ? { cursor: { type: 'string' } } : {}
    messages[name] = {
      name: event,
      title: event,
      summary: `${summary}${durable ? '. Durable: it carries a cursor.' : ''}`,
      payload: {
        type: 'object',
        required: ['event', ...Object.keys(cursor), 'data'],
        properties: { event: { const: event }, ...cursor, data: schemas.of(data, 'output') },
      },
      examples: [
        { payload: { event, ...(durable ? { cursor: 'q3Vb0dJ1m8sYkT5hLw2XzA' } : {}), data: example } },
      ],
    }
    operations[`send${upper(name)}`] = {
      action: 'send',
      channel: { $ref: '#/channels/socket' },
      summary,
      messages: [ref(name)],
    }
  }
  messages['error'] = errorMessage
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Parley socket',
      version: VERSION,
      description:
        'JSON text frames. Authenticate with the `Authorization: Bearer` header or with `auth:login` as the first frame. A frame with an `id` is answered by exactly one `ack` or `error:general`. Close codes: 4401 not authenticated, 4408 too slow, 4409 session ended, 4429 too many frames, 1009 frame over 64 KiB, 1012 come again (`retry=<ms>`).',
    },
    channels: {
      socket: {
        address: '/ws',
        bindings: { ws: { query: { type: 'object', properties: { cursor: { type: 'string' } } } } },
        messages,
      },
    },
    operations,
    components: { schemas: schemas.components },
  }
}

interface Described {
  event: string
  summary: string
  data: z.ZodType
  dataExample: unknown
  ack?: z.ZodType | undefined
  ackExample?: unknown
}

const id = { oneOf: [{ type: 'string', minLength: 1, maxLength: 64 }, { type: 'integer' }] }

function clientFrame({ event, summary, data, dataExample }: Described, schemas: JsonSchemas): unknown {
  return {
    name: event,
    title: event,
    summary,
    payload: {
      type: 'object',
      required: ['event', 'data'],
      properties: { event: { const: event }, id, data: schemas.of(data, 'input') },
    },
    examples: [{ payload: { event, id: '1', data: dataExample } }],
  }
}

function ackOf({ event, ack, ackExample }: Described, schemas: JsonSchemas): unknown {
  return {
    name: 'ack',
    title: `ack of ${event}`,
    summary: `Answers ${event}`,
    payload: {
      type: 'object',
      required: ['event', 'id', 'data'],
      properties: { event: { const: 'ack' }, id, data: schemas.of(ack ?? z.unknown(), 'output') },
    },
    examples: [{ payload: { event: 'ack', id: '1', data: ackExample } }],
  }
}

const errorMessage = {
  name: 'error:general',
  title: 'error:general',
  summary: 'A frame failed; `id` names it where it could be read',
  payload: {
    type: 'object',
    required: ['event', 'error'],
    properties: {
      event: { const: 'error:general' },
      id,
      error: {
        type: 'object',
        required: ['code', 'message', 'details', 'requestId', 'retryable'],
        properties: {
          code: { enum: Object.keys(ERROR_STATUS) },
          message: { type: 'string' },
          details: { type: ['array', 'null'] },
          requestId: { type: 'string' },
          retryable: { type: 'boolean' },
        },
      },
    },
  },
  examples: [
    {
      payload: {
        event: 'error:general',
        id: '1',
        error: {
          code: 'RESOURCE_NOT_FOUND',
          message: 'There is no such chat.',
          details: null,
          requestId: '5c1c3f0e-6a52-4d5f-9d4b-1f2a3b4c5d6e',
          retryable: false,
        },
      },
    },
  ],
}

const ref = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` })
const upper = (name: string) => name.slice(0, 1).toUpperCase() + name.slice(1)
const camel = (event: string) => event.replaceAll(/[:_](\w)/g, (_, letter: string) => letter.toUpperCase())
