import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type RawRequest } from './support/http.ts'
import type { Phone } from './support/phone.ts'
import { RawSocket } from './support/raw-socket.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
let alice: Phone
let token: string
let notes: string
beforeAll(async () => {
  world = await startWorld()
  alice = await world.phone('alice')
  token = await alice.client.accessToken()
  notes = (await alice.directWith(alice)).id
})
afterAll(async () => {
  await world?.close()
})

describe('every answer', () => {
  test('of success is in the envelope', async () => {
    const answer = await ask(world.url, '/api/users/me', { token })
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.body).toSorted()).toEqual(['data', 'meta', 'success'])
    expect(answer.body).toMatchObject({
      success: true,
      meta: { requestId: answer.headers.get('x-request-id') },
    })
    expect(answer.body.meta?.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('of failure is in the envelope, with a sentence and an id', async () => {
    const answer = await ask(world.url, '/api/users/me')
    expect(answer.status).toBe(401)
    const { error } = answer.body
    expect(answer.body.success).toBe(false)
    expect(Object.keys(error ?? {}).toSorted()).toEqual([
      'code',
      'details',
      'message',
      'requestId',
      'timestamp',
    ])
    expect(error?.message.length).toBeGreaterThan(10)
    expect(error?.requestId).toBe(answer.headers.get('x-request-id'))
  })

  test('of a list says whether there is more', async () => {
    const answer = await ask(world.url, '/api/chats', { token })
    expect(answer.body.data).toBeInstanceOf(Array)
    expect(answer.body.meta?.pagination).toEqual({ limit: 50, nextCursor: null, hasMore: false })
  })

  test('to a signed-in caller may not be stored or sniffed', async () => {
    const { headers } = await ask(world.url, '/api/users/me', { token })
    expect(headers.get('cache-control')).toContain('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-powered-by')).toBeNull()
  })

  test("keeps the client's well-formed request id", async () => {
    const id = randomUUID()
    const answer = await ask(world.url, '/api/users/me', { token, headers: { 'x-request-id': id } })
    expect(answer.headers.get('x-request-id')).toBe(id)
    expect(answer.body.meta?.requestId).toBe(id)
  })

  test.each(['x'.repeat(500), 'a b"c{}', '<script>'])('replaces a request id like %s', async (id) => {
    const answer = await ask(world.url, '/api/users/me', { token, headers: { 'x-request-id': id } })
    expect(answer.headers.get('x-request-id')).not.toBe(id)
    expect(answer.headers.get('x-request-id')).toBeTruthy()
  })
})

describe('what is no request of ours', () => {
  const json = { 'content-type': 'application/json' }
  const chats = '/api/chats'
  const cases: [string, string, RawRequest, number, string][] = [
    ['an unknown path', '/api/nothing', {}, 404, 'RESOURCE_NOT_FOUND'],
    ['a wrong method', '/api/users/me', { method: 'POST', json: {} }, 405, 'METHOD_NOT_ALLOWED'],
    ['broken JSON', chats, { text: '{"type":', headers: json }, 400, 'VALIDATION_ERROR|INVALID_INPUT'],
    [
      'no body',
      chats,
      { method: 'POST', headers: json },
      400,
      'VALIDATION_ERROR|INVALID_INPUT|MISSING_REQUIRED_FIELD',
    ],
    ['a body that is a list', chats, { json: [] }, 400, 'VALIDATION_ERROR|INVALID_INPUT'],
    ['a body that is null', chats, { text: 'null', headers: json }, 400, 'VALIDATION_ERROR|INVALID_INPUT'],
    [
      'a body of another type',
      chats,
      { text: 'type=direct', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a body above 1 MiB',
      chats,
      { text: JSON.stringify({ type: 'group', name: 'x'.repeat(1_048_577) }), headers: json },
      413,
      'PAYLOAD_TOO_LARGE',
    ],
    [
      'an unknown field',
      chats,
      { json: { type: 'group', name: 'x', participantIds: [], x: 1 } },
      400,
      'VALIDATION_ERROR',
    ],
    ['an unknown query parameter', '/api/chats?colour=red', {}, 400, 'VALIDATION_ERROR'],
    ['a limit above the most', '/api/chats?limit=101', {}, 400, 'VALIDATION_ERROR'],
    ['a made-up page cursor', '/api/chats?cursor=abc', {}, 400, 'INVALID_INPUT'],
    [
      'an operator for an id',
      chats,
      { json: { type: 'direct', participantIds: [{ $ne: null }] } },
      400,
      'VALIDATION_ERROR',
    ],
    [
      'an operator for ids',
      chats,
      { json: { type: 'direct', participantIds: { $ne: null } } },
      400,
      'VALIDATION_ERROR',
    ],
    ['an operator in the query', '/api/chats?type[$ne]=direct', {}, 400, 'VALIDATION_ERROR'],
    ['a user id that is none', '/api/users/not-a-uuid', {}, 404, 'RESOURCE_NOT_FOUND'],
    ['a user who is not there', `/api/users/${randomUUID()}`, {}, 404, 'RESOURCE_NOT_FOUND'],
  ]
  test.each(cases)('%s is refused as documented', async (_what, path, request, status, code) => {
    const answer = await ask(world.url, path, { ...request, token })
    expect(answer.status).toBe(status)
    expect(answer.body.error?.code).toMatch(new RegExp(`^(${code})$`))
    expect(answer.text).not.toMatch(/\bat .*\.ts|node_modules|Mongo|postgres|ZodError/i)
  })

  test('an operator instead of credentials signs nobody in', async () => {
    const json = { phoneNumber: { $ne: null }, password: { $ne: null } }
    const answer = await ask(world.url, '/api/auth/login', { json })
    expect([answer.status, answer.body.error?.code]).toEqual([400, 'VALIDATION_ERROR'])
  })

  test('an unknown field is named', async () => {
    const answer = await ask(world.url, '/api/users/me', { method: 'PATCH', json: { role: 'admin' }, token })
    expect(answer.status).toBe(400)
    expect(answer.body.error?.details?.map((detail) => detail.path)).toContain('role')
  })

  test('a prototype in the body changes nothing', async () => {
    const text = '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}'
    const headers = { 'content-type': 'application/json' }
    await ask(world.url, '/api/users/me', { method: 'PATCH', text, headers, token })
    const answer = await ask(world.url, '/api/users/me', { token })
    expect(answer.body.data).not.toHaveProperty('isAdmin')
  })
})

describe('outside /api', () => {
  test.each(['/healthz', '/readyz', '/metrics', '/openapi.json', '/asyncapi.json', '/docs', '/console'])(
    '%s answers',
    async (path) => {
      expect((await ask(world.url, path)).status).toBe(200)
    },
  )

  test('/readyz names each store', async () => {
    const answer = await ask(world.url, '/readyz')
    const body = JSON.parse(answer.text) as { status: string; stores: Record<string, { ok: boolean }> }
    expect(body.stores).toMatchObject({ postgres: { ok: true }, mongodb: { ok: true }, redis: { ok: true } })
    expect(['ready', 'degraded']).toContain(body.status)
  })

  test('the documents describe what these tests use', async () => {
    const openapi = JSON.parse((await ask(world.url, '/openapi.json')).text) as {
      paths: Record<string, object>
    }
    const used = ['/api/auth/register', '/api/chats', '/api/chats/{chatId}/messages', '/api/sync']
    for (const path of used) expect(Object.keys(openapi.paths)).toContain(path)
    const asyncapi = (await ask(world.url, '/asyncapi.json')).text
    for (const event of ['message:send', 'message:received', 'sync:done']) expect(asyncapi).toContain(event)
  })
})

const bearer = (): Record<string, string> => ({ authorization: `Bearer ${token}` })

const ready = async (): Promise<RawSocket> => {
  const socket = await RawSocket.mustOpen(world.url, bearer())
  await socket.frame('auth:ready', (frame) => frame.event === 'auth:ready')
  return socket
}

const stillWorks = async (socket: RawSocket): Promise<void> => {
  const id = randomUUID()
  socket.send({ event: 'message:typing', id, data: { chatId: notes } })
  const frame = await socket.frame('an answer', (f) => f.id === id)
  expect(frame.event).toBe('ack')
}

const teleport = (pad: string): string =>
  JSON.stringify({ event: 'message:teleport', id: 'big', data: { pad } })

/** A frame of exactly so many bytes. */
const frameOf = (bytes: number): string => teleport('x'.repeat(bytes - teleport('').length))

describe('the socket', () => {
  test.each<[string, Record<string, string>, number]>([
    ['a bad token', { authorization: 'Bearer nonsense' }, 401],
    ['a foreign origin', { origin: 'https://evil.example' }, 403],
    ['an opaque origin', { origin: 'null' }, 403],
  ])('%s is refused at the upgrade', async (_what, headers, status) => {
    expect(await RawSocket.open(world.url, { ...bearer(), ...headers })).toBe(status)
  })

  test.each([() => world.url, () => 'http://localhost:5173'])(
    'the own origin and localhost are let in during development',
    async (origin) => {
      const socket = await RawSocket.mustOpen(world.url, { ...bearer(), origin: origin() })
      await socket.frame('auth:ready', (frame) => frame.event === 'auth:ready')
      socket.close()
    },
  )

  test('a bad token in auth:login is an error and closes with 4401', async () => {
    const socket = await RawSocket.mustOpen(world.url)
    socket.send({ event: 'auth:login', id: '1', data: { token: 'nonsense' } })
    const frame = await socket.frame('the error', (f) => f.event === 'error:general')
    expect(frame.error?.code).toMatch(/^(UNAUTHORIZED|INVALID_TOKEN)$/)
    expect((await socket.closing()).code).toBe(4401)
  })

  test('whoever does not sign in within ten seconds is closed with 4401', async () => {
    const socket = await RawSocket.mustOpen(world.url)
    expect((await socket.closing(13_000)).code).toBe(4401)
  })

  test('before signing in nothing else is answered with data', async () => {
    const socket = await RawSocket.mustOpen(world.url)
    const data = { chatId: notes, clientMessageId: randomUUID(), content: 'x' }
    socket.send({ event: 'message:send', id: '1', data })
    await socket.closing(13_000).catch(() => null)
    expect(socket.frames.filter((frame) => frame.event === 'ack')).toEqual([])
  })

  test.each<[string, unknown]>([
    ['an unknown event', { event: 'message:teleport', id: 'x', data: {} }],
    ['an event named like a method', { event: 'constructor', id: 'x', data: {} }],
    ['an unknown field', { event: 'message:typing', id: 'x', data: { chatId: 'chat_x', extra: 1 } }],
    ['data of the wrong shape', { event: 'message:send', id: 'x', data: { chatId: { $ne: null } } }],
    ['no data', { event: 'message:send', id: 'x' }],
  ])('%s is answered with an error, and the socket stays', async (_what, frame) => {
    const socket = await ready()
    socket.send(frame)
    const error = await socket.frame('an error', (f) => f.event === 'error:general')
    expect(error.id).toBe('x')
    expect(Object.keys(error.error ?? {}).toSorted()).toEqual([
      'code',
      'details',
      'message',
      'requestId',
      'retryable',
    ])
    expect(error.error?.retryable).toBe(false)
    await stillWorks(socket)
    socket.close()
  })

  test.each(['{', '', '[]', 'null', '7', '"x"', '{"event":7}', '{}'])(
    'text like %j is answered with an error, and the socket stays',
    async (text) => {
      const socket = await ready()
      socket.send(text)
      await socket.frame('an error', (frame) => frame.event === 'error:general')
      await stillWorks(socket)
      socket.close()
    },
  )

  test('a frame of exactly 64 KiB is read, one more byte closes with 1009', async () => {
    const socket = await ready()
    socket.send(frameOf(65_536))
    await socket.frame('an answer', (f) => f.id === 'big')
    socket.send(frameOf(65_537))
    expect((await socket.closing()).code).toBe(1009)
  })

  test('a frame with an id is answered exactly once, one without an id not at all', async () => {
    const socket = await ready()
    socket.send({ event: 'message:typing', data: { chatId: notes } })
    socket.send({ event: 'message:typing', id: 'a', data: { chatId: notes } })
    await stillWorks(socket)
    expect(socket.frames.filter((frame) => frame.event === 'ack' && frame.id === undefined)).toEqual([])
    expect(socket.frames.filter((frame) => frame.id === 'a')).toHaveLength(1)
    socket.close()
  })

  test('a token in the URL is not taken', async () => {
    const socket = await RawSocket.open(world.url, {}, `?token=${token}`)
    if (typeof socket === 'number') expect(socket).toBeGreaterThanOrEqual(400)
    else {
      socket.send({ event: 'message:typing', id: 'a', data: { chatId: notes } })
      await socket.closing(13_000).catch(() => null)
      expect(socket.frames.filter((frame) => frame.event === 'ack' || frame.event === 'auth:ready')).toEqual(
        [],
      )
    }
  })
})
