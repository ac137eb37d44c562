// The documents are valid, and what they say is what the server checks and answers.
import { createRequire } from 'node:module'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { CLIENT_FRAMES } from '../src/gateway/dispatch.ts'
import { allEndpoints } from '../src/http/app.ts'
import { ask } from './support/http.ts'
import type { Phone } from './support/phone.ts'
import { startWorld, type World } from './support/world.ts'

type Json = Record<string, unknown>
type Media = { schema: Json; example?: unknown; examples?: Record<string, { value: unknown }> }
type Parameter = { name: string; in: string; required: boolean; schema: Json; example?: unknown }
type Operation = {
  operationId: string
  summary: string
  tags: string[]
  security: Json[]
  parameters: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { description: string; headers: Json; content?: Record<string, Media> }>
}
type OpenApi = { openapi: string; paths: Record<string, Record<string, Operation>> }
type Message = { name: string; summary: string; payload: Json; examples: { payload: Json }[] }
type AsyncApi = {
  asyncapi: string
  channels: { socket: { messages: Record<string, Message> } }
  operations: Record<string, { summary: string; messages: { $ref: string }[] }>
}

const require = createRequire(import.meta.url)
const addFormats = require('ajv-formats') as (ajv: Ajv | Ajv2020) => void

let world: World
let alice: Phone
let openapi: OpenApi
let asyncapi: AsyncApi
let checks: Ajv2020
const operations: { name: string; path: string; method: string; pointer: string; operation: Operation }[] = []

beforeAll(async () => {
  world = await startWorld()
  alice = await world.phone('alice', { isOffline: true })
  openapi = JSON.parse((await ask(world.url, '/openapi.json')).text) as OpenApi
  asyncapi = JSON.parse((await ask(world.url, '/asyncapi.json')).text) as AsyncApi
  checks = new Ajv2020({ strict: false, allErrors: true })
  addFormats(checks)
  checks.addSchema(openapi, 'openapi')
  checks.addSchema(asyncapi, 'asyncapi')
  for (const [path, item] of Object.entries(openapi.paths))
    for (const [method, operation] of Object.entries(item)) {
      const pointer = `openapi#/paths/${escape(path)}/${method}`
      operations.push({ name: `${method} ${path}`, path, method, pointer, operation })
    }
})
afterAll(async () => {
  await world?.close()
})

/** A JSON pointer's segment, within a URI. */
const escape = (segment: string): string =>
  encodeURIComponent(segment.replaceAll('~', '~0').replaceAll('/', '~1'))

function schemaAt(pointer: string): ValidateFunction {
  const found = checks.getSchema(pointer)
  if (!found) throw new Error(`there is no schema at ${pointer}`)
  return found as ValidateFunction
}

/** What is wrong with a value by the schema at a place of a document; empty where nothing is. */
function faults(pointer: string, value: unknown): string[] {
  const check = schemaAt(pointer)
  if (check(value)) return []
  return (check.errors ?? []).map(({ instancePath, message }) => `${pointer} ${instancePath} ${message}`)
}

const jsonOf = (pointer: string): string => `${pointer}/content/${escape('application/json')}/schema`

/** Follows `#/a/b` through a document. */
function resolve(document: unknown, ref: string): unknown {
  let found = document
  for (const segment of ref.slice(2).split('/'))
    found = (found as Json | undefined)?.[segment.replaceAll('~1', '/').replaceAll('~0', '~')]
  return found
}

function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]) =>
    key === '$ref' && typeof item === 'string' ? [item] : refsOf(item),
  )
}

describe('/openapi.json', () => {
  test('is valid OpenAPI 3.1', async () => {
    expect(openapi.openapi).toBe('3.1.0')
    const { valid, errors } = await new Validator().validate(structuredClone(openapi))
    expect(errors ?? []).toEqual([])
    expect(valid).toBe(true)
  })

  test('refers to nothing that is not there', () => {
    const refs = refsOf(openapi)
    expect(refs.length).toBeGreaterThan(100)
    expect(refs.filter((ref) => resolve(openapi, ref) === undefined)).toEqual([])
  })

  test('every operation says what it does, for whom, and how it can fail', () => {
    expect(operations.length).toBeGreaterThan(30)
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { name, operation } of operations) {
      expect(operation.summary, name).toMatch(/^[A-Z].{5,}[^.]$/)
      expect(operation.tags, name).toHaveLength(1)
      const statuses = Object.keys(operation.responses)
      expect(statuses.filter((status) => status.startsWith('2')).length, name).toBeGreaterThan(0)
      const common = operation.security.length > 0 ? ['400', '401', '429', '503'] : ['400', '429', '503']
      expect(statuses, name).toEqual(expect.arrayContaining(common))
      if (operation.requestBody) expect(statuses, name).toEqual(expect.arrayContaining(['413', '415']))
      if (operation.parameters.some((parameter) => parameter.in === 'path'))
        expect(statuses, name).toContain('404')
      expect(statuses, name).not.toContain('500')
    }
  })

  test('the parameters of a path are those of its template, each with an example', () => {
    for (const { name, path, operation } of operations) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter)
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path')
      expect(
        inPath.map((parameter) => parameter.name),
        name,
      ).toEqual(named)
      for (const parameter of inPath) expect(parameter.example, `${name} ${parameter.name}`).toBeDefined()
    }
  })

  test('every example is what its schema asks for', () => {
    const wrong: string[] = []
    let count = 0
    const check = (pointer: string, example: unknown): void => {
      count += 1
      wrong.push(...(example === undefined ? [`${pointer} has no example`] : faults(pointer, example)))
    }
    for (const { pointer, operation } of operations) {
      for (const [index, { schema, example }] of operation.parameters.entries()) {
        const place = `${pointer}/parameters/${index}/schema`
        if (example !== undefined) check(place, example)
        if (schema['default'] !== undefined) check(place, schema['default'])
      }
      const body = operation.requestBody?.content['application/json']
      if (body) check(jsonOf(`${pointer}/requestBody`), body.example)
      for (const [status, { content }] of Object.entries(operation.responses)) {
        const media = content?.['application/json']
        if (!media) continue
        const place = jsonOf(`${pointer}/responses/${status}`)
        const examples = media.examples ? Object.values(media.examples).map(({ value }) => value) : null
        for (const example of examples ?? [media.example]) check(place, example)
      }
    }
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(operations.length * 5)
  })

  test('every example passes the check that requests and answers meet', () => {
    const wrong: unknown[] = []
    for (const endpoint of allEndpoints(readConfig(world.env))) {
      const name = `${endpoint.method} ${endpoint.path}`
      for (const [what, schema, example] of [
        ['body', endpoint.body, endpoint.bodyExample],
        ['data', endpoint.data, endpoint.dataExample],
      ] as const) {
        const parsed = schema?.safeParse(example)
        if (parsed?.success === false) wrong.push([name, what, parsed.error.issues])
      }
    }
    expect(wrong).toEqual([])
  })
})

describe('a body', () => {
  const me = '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10'
  const spot = { latitude: 1, longitude: 2 }
  const send = '/api/chats/{chatId}/messages'
  const cases: [string, string, string, Json, boolean][] = [
    [
      'a direct chat with a name',
      'post',
      '/api/chats',
      { type: 'direct', participantIds: [me], name: 'x' },
      false,
    ],
    ['a direct chat with nobody', 'post', '/api/chats', { type: 'direct', participantIds: [] }, false],
    ['a group without a name', 'post', '/api/chats', { type: 'group', participantIds: [] }, false],
    ['a group of one', 'post', '/api/chats', { type: 'group', participantIds: [], name: 'x' }, true],
    ['a name with NUL', 'post', '/api/chats', { type: 'group', participantIds: [], name: 'a\0b' }, false],
    [
      'a name of 100 emoji',
      'post',
      '/api/chats',
      { type: 'group', participantIds: [], name: '🎈'.repeat(100) },
      true,
    ],
    ['an id that is none', 'post', '/api/chats', { type: 'group', participantIds: ['7'], name: 'x' }, false],
    ['a text without text', 'post', send, { clientMessageId: 'a' }, false],
    ['a text with a place', 'post', send, { clientMessageId: 'a', content: 'x', location: spot }, false],
    ['a place without one', 'post', send, { clientMessageId: 'a', type: 'location' }, false],
    ['a place', 'post', send, { clientMessageId: 'b', type: 'location', location: spot }, true],
    ['a client id with a space', 'post', send, { clientMessageId: 'a b', content: 'x' }, false],
    ['no settings', 'put', '/api/chats/{chatId}/settings', {}, false],
    [
      'a time without a zone',
      'put',
      '/api/chats/{chatId}/settings',
      { mutedUntil: '2030-01-01T00:00:00.000' },
      false,
    ],
    ['a picture by another scheme', 'patch', '/api/users/me', { profilePictureUrl: 'javascript:x' }, false],
    ['an e-mail label that ends in a hyphen', 'patch', '/api/users/me', { email: 'a@b-.example' }, false],
    [
      'a picture by https',
      'patch',
      '/api/users/me',
      { profilePictureUrl: 'https://example.com/a.png' },
      true,
    ],
    [
      'two names to log in with',
      'post',
      '/api/auth/login',
      { username: 'abc', email: 'a@b.co', password: 'x' },
      false,
    ],
    ['no name to log in with', 'post', '/api/auth/login', { password: 'x' }, false],
  ]
  test.each(cases)('%s: the document and the server agree', async (_what, method, path, body, isGood) => {
    const pointer = `openapi#/paths/${escape(path)}/${method}`
    expect(faults(jsonOf(`${pointer}/requestBody`), body).length === 0).toBe(isGood)
    const token = await alice.client.accessToken()
    const chat = path.includes('{chatId}') ? (await alice.directWith(alice)).id : ''
    const answer = await ask(world.url, path.replace('{chatId}', chat), {
      method: method.toUpperCase(),
      token,
      json: body,
    })
    expect(answer.status < 300, answer.text).toBe(isGood)
    expect(faults(jsonOf(`${pointer}/responses/${answer.status}`), answer.body)).toEqual([])
    for (const header of ['x-request-id', 'cache-control']) expect(answer.headers.get(header)).toBeTruthy()
  })

  test('an id in capitals is the same id', async () => {
    const token = await alice.client.accessToken()
    const json = { type: 'direct', participantIds: [alice.userId.toUpperCase()] }
    expect(faults(jsonOf(`openapi#/paths/${escape('/api/chats')}/post/requestBody`), json)).toEqual([])
    const answer = await ask(world.url, '/api/chats', { token, json })
    expect((answer.body.data as { id: string }).id).toBe((await alice.directWith(alice)).id)
  })
})

describe('a cursor', () => {
  test.each(['/api/chats?cursor=', '/api/auth/sessions?cursor=', '/api/sync?cursor='])(
    'that was not given by %s is INVALID_INPUT, whatever it looks like',
    async (path) => {
      const token = await alice.client.accessToken()
      for (const cursor of ['', 'a', 'a.b.c', 'x'.repeat(600), '%00', 'A'.repeat(22)]) {
        const answer = await ask(world.url, path + cursor, { token })
        expect([cursor.slice(0, 30), answer.status, answer.body.error?.code]).toEqual([
          cursor.slice(0, 30),
          400,
          'INVALID_INPUT',
        ])
      }
    },
  )

  test('with something behind it is not the same cursor', async () => {
    await alice.groupWith([], 'one')
    await alice.groupWith([], 'two')
    const token = await alice.client.accessToken()
    const first = await ask(world.url, '/api/chats?limit=1', { token })
    const meta = first.body.meta as { pagination: { nextCursor: string } }
    const cursor = meta.pagination.nextCursor
    expect((await ask(world.url, `/api/chats?limit=1&cursor=${cursor}`, { token })).status).toBe(200)
    for (const tail of ['.', '.x', '='])
      expect((await ask(world.url, `/api/chats?limit=1&cursor=${cursor}${tail}`, { token })).status).toBe(400)
  })
})

describe('/asyncapi.json', () => {
  test('is valid AsyncAPI 3.0', () => {
    expect(asyncapi.asyncapi).toBe('3.0.0')
    const specs = require('@asyncapi/specs') as { schemasWithoutId: Record<string, Json> }
    const ajv = new Ajv({ strict: false, allErrors: true })
    addFormats(ajv)
    const check = ajv.compile(specs.schemasWithoutId['3.0.0'] as Json)
    check(asyncapi)
    expect(check.errors ?? []).toEqual([])
  })

  test('refers to nothing that is not there', () => {
    const refs = refsOf(asyncapi)
    expect(refs.length).toBeGreaterThan(50)
    expect(refs.filter((ref) => resolve(asyncapi, ref) === undefined)).toEqual([])
  })

  test('every message has a sentence, and examples that its schema asks for', () => {
    const { messages } = asyncapi.channels.socket
    expect(Object.keys(messages).length).toBeGreaterThan(25)
    const wrong = Object.entries(messages).flatMap(([key, message]) => {
      const pointer = `asyncapi#/channels/socket/messages/${key}/payload`
      const examples = message.examples.flatMap(({ payload }) => faults(pointer, payload))
      const missing = message.examples.length === 0 || message.summary === '' ? [`${key} is bare`] : []
      return [...examples, ...missing]
    })
    expect(wrong).toEqual([])
  })

  test('every message belongs to an operation with a sentence', () => {
    const used = new Set(refsOf(asyncapi.operations))
    const names = Object.keys(asyncapi.channels.socket.messages)
    expect(names.filter((name) => !used.has(`#/channels/socket/messages/${name}`))).toEqual([])
    for (const { summary } of Object.values(asyncapi.operations)) expect(summary).toMatch(/^[A-Z]/)
  })

  test('every client frame is described, and its examples pass the check that frames meet', () => {
    const wrong: unknown[] = []
    const described = new Set(Object.values(asyncapi.channels.socket.messages).map(({ name }) => name))
    for (const frame of CLIENT_FRAMES) {
      expect(described).toContain(frame.event)
      const data = frame.data.safeParse(frame.dataExample)
      if (!data.success) wrong.push([frame.event, 'data', data.error.issues])
      const ack = frame.ack?.safeParse(frame.ackExample)
      if (ack?.success !== true) wrong.push([frame.event, 'ack', ack?.error.issues])
    }
    expect(wrong).toEqual([])
  })
})
