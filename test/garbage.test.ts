// Thousands of broken, hostile and half-right frames beside an ordinary conversation: each readable id is answered
// exactly once, nothing is our fault, and the conversation does not notice. The seed makes every run the same.
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLIENT_FRAMES } from '../src/gateway/dispatch.ts'
import type { Chat, Frame } from '../src/client/model.ts'
import { ask } from './support/http.ts'
import type { Phone } from './support/phone.ts'
import { RawSocket } from './support/raw-socket.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

const SEED = 20_261_120
const FRAMES = 2_000
const TALK = 60

let world: World
let alice: Phone
let bob: Phone
let mallory: Phone
let direct: Chat
let notes: Chat
beforeAll(async () => {
  world = await startWorld()
  ;[alice, bob] = await world.phones('alice', 'bob')
  mallory = await world.phone('mallory', { isOffline: true })
  direct = await alice.directWith(bob)
  notes = await mallory.directWith(mallory)
})
afterAll(async () => {
  await world?.close()
})

/** mulberry32: small, and good enough to shuffle with. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const next = random(SEED)
const chance = (share: number): boolean => next() < share
const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)] as T

/** Values that have broken one server or another; foreign ids are added below. */
const poison: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53,
  '',
  'x'.repeat(5_000),
  '\0',
  '\uD800',
  '🎈'.repeat(50),
  [],
  {},
  [[[]]],
  { $ne: null },
  { $gt: '' },
  { constructor: { prototype: { x: 1 } } },
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  "'; drop table users; --",
  `chat_${'A'.repeat(22)}`,
  `msg_${'A'.repeat(22)}`,
  Array.from({ length: 600 }, () => '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10'),
]

function mutate(value: unknown): unknown {
  if (chance(0.15) || typeof value !== 'object' || value === null) return pick(poison)
  if (Array.isArray(value)) return value.map((item) => (chance(0.3) ? mutate(item) : item))
  const kept = Object.entries(value).filter(() => chance(0.9))
  const changed = kept.map(([key, item]) => [
    chance(0.05) ? pick(['__proto__', 'constructor', 'id', '$where', `${key}x`]) : key,
    chance(0.3) ? mutate(item) : item,
  ])
  // Entries are defined, not assigned: `__proto__` is a key here as it is in JSON.
  return Object.fromEntries(changed)
}

let lastId = 0
const newId = (): string => `f${(lastId += 1)}`

/** A frame as the documents show it, with ids that exist, of one's own chats or of others'. */
function sample(): { event: string; id?: unknown; data: Record<string, unknown> } {
  const { event, dataExample } = pick(CLIENT_FRAMES)
  const data = structuredClone(dataExample) as Record<string, unknown>
  if ('chatId' in data) data['chatId'] = pick([notes.id, notes.id, direct.id, notes.id.slice(0, -1)])
  if ('clientMessageId' in data) data['clientMessageId'] = `g${Math.floor(next() * 100)}`
  return { event, id: newId(), data }
}

function garbage(): string {
  const kind = next()
  if (kind < 0.25) return JSON.stringify(sample())
  if (kind < 0.7) {
    const frame = mutate(sample())
    return JSON.stringify(chance(0.8) && isObject(frame) ? { ...frame, id: newId() } : frame)
  }
  if (kind < 0.8) {
    const text = JSON.stringify(sample())
    const cut = Math.floor(next() * text.length)
    const middle = pick(['}', '"', '\\', '\u0001', ']', ','])
    return pick([text.slice(0, cut), text.slice(0, cut) + middle + text.slice(cut), text + text])
  }
  if (kind < 0.84) {
    const levels = pick([10, 31, 33, 200, 20_000])
    return `{"event":"message:send","id":"${newId()}","data":${'['.repeat(levels)}${']'.repeat(levels)}}`
  }
  if (kind < 0.9) {
    const event = pick(['constructor', '__proto__', 'toString', 'message:teleport', 'auth:login', 'ack', ''])
    return JSON.stringify({ event, id: newId(), data: {} })
  }
  if (kind < 0.94) return JSON.stringify({ ...sample(), id: 'the same again' })
  if (kind < 0.97)
    return JSON.stringify({ ...sample(), [pick(['__proto__x', 'toJSON', 'seq'])]: pick(poison) })
  return JSON.stringify({ ...sample(), id: pick([null, '', 'x'.repeat(65), 1.5, 2 ** 60, {}, [], true]) })
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The id that the contract promises an answer to, as JSON; null where there is none to be read. */
function readableId(text: string): string | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const id = isObject(value) ? (value as { id?: unknown }).id : undefined
  const good = typeof id === 'string' ? id !== '' && Array.from(id).length <= 64 : Number.isSafeInteger(id)
  return good ? JSON.stringify(id) : null
}

const tally = (ids: string[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}

const CALLERS_FAULT = new Set([
  'VALIDATION_ERROR',
  'INVALID_INPUT',
  'MISSING_REQUIRED_FIELD',
  'RESOURCE_NOT_FOUND',
  'CONFLICT',
  'PERMISSION_DENIED',
])

const isAnswer = ({ event }: Frame): boolean => event === 'ack' || event === 'error:general'

async function converse(): Promise<string[]> {
  const said: string[] = []
  for (let turn = 0; turn < TALK; turn += 1) {
    const speaker = turn % 2 === 0 ? alice : bob
    said.push((await speaker.send(direct.id, `line ${turn}`)).content ?? '')
  }
  return said
}

test('every readable id is answered once, and a conversation goes on undisturbed', async () => {
  poison.push(direct.id, notes.id.slice(0, -1), alice.userId, bob.userId.toUpperCase())
  const process = world.node(0).child.pid
  const bearer = { authorization: `Bearer ${await mallory.client.accessToken()}` }
  const sockets = await Promise.all([1, 2, 3].map(() => RawSocket.mustOpen(world.url, bearer)))
  const asked = sockets.map((): string[] => [])
  const talk = converse()
  for (let index = 0; index < FRAMES; index += 1) {
    const at = index % sockets.length
    if (chance(0.02)) sockets[at]?.send(Buffer.from(garbage()))
    const text = garbage()
    const id = readableId(text)
    if (id !== null) asked[at]?.push(id)
    sockets[at]?.send(text)
    if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const [at, socket] of sockets.entries()) {
    socket.send({ event: 'user:online', id: 'last', data: {} })
    asked[at]?.push('"last"')
    const answered = (): string[] =>
      socket.frames
        .filter((frame) => isAnswer(frame) && frame.id !== undefined)
        .map(({ id }) => JSON.stringify(id))
    await until('all are answered', () => answered().length >= (asked[at]?.length ?? 0))
    expect(tally(answered())).toEqual(tally(asked[at] ?? []))
    const errors = socket.frames.flatMap(({ error }) => (error ? [error.code] : []))
    expect(errors.filter((code) => !CALLERS_FAULT.has(code))).toEqual([])
    expect(errors.length).toBeGreaterThan(FRAMES / 10)
    expect(socket.closed).toBeNull()
    socket.close()
  }

  const said = await talk
  const history = await alice.client.get<{ seq: number; content: string }[]>(
    `/api/chats/${direct.id}/messages?limit=50&after=0`,
  )
  expect(history.map(({ seq }) => seq)).toEqual(history.map((_, index) => index + 1))
  expect(history.map(({ content }) => content)).toEqual(said.slice(0, 50))
  await bob.waitForText(said.at(-2) ?? '')
  const heard = bob.received(direct.id).map(({ content }) => content)
  expect(heard).toEqual(said.filter((_, index) => index % 2 === 0))
  expect(world.node(0).child.exit).toBeNull()
  expect(world.node(0).child.pid).toBe(process)
})

test('before the sign-in garbage is answered with errors alone, and a sign-in still works after it', async () => {
  const socket = await RawSocket.mustOpen(world.url)
  for (let index = 0; index < 200; index += 1) socket.send(garbage())
  const token = await mallory.client.accessToken()
  socket.send({ event: 'auth:login', id: 'good', data: { token } })
  // Sent on without waiting for the answer.
  socket.send({ event: 'message:typing', id: 'at once', data: { chatId: notes.id } })
  expect((await socket.frame('the answer', ({ id }) => id === 'at once')).event).toBe('ack')
  const acks = socket.frames.filter(({ event }) => event === 'ack').map(({ id }) => id)
  expect(acks).toEqual(['good', 'at once'])
  socket.close()
})

test('who signs in by the header may speak at once', async () => {
  const authorization = `Bearer ${await mallory.client.accessToken()}`
  const socket = await RawSocket.mustOpen(world.url, { authorization })
  socket.send({ event: 'message:typing', id: 'at once', data: { chatId: notes.id } })
  expect((await socket.frame('the answer', ({ id }) => id === 'at once')).event).toBe('ack')
  expect(socket.frames[0]?.event).toBe('auth:ready')
  socket.close()
})

/** Sends bytes as they are and gives what came back. */
function raw(bytes: string, hangUp = false): Promise<string> {
  const { hostname, port } = new URL(world.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.on('error', () => resolve(text))
    socket.on('close', () => resolve(text))
    socket.write(bytes, () => {
      if (hangUp) socket.destroy()
    })
  })
}

test.each(['//', '/ws?token=x', '/ws?cursor=x', '/api/chats', '/ws/../..//'])(
  'an upgrade of %s is refused in the envelope',
  async (path) => {
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
    const text = await raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n${upgrade}\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 40[04] /)
    const { error } = JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as { error: { requestId: string } }
    expect(error.requestId).toBe('mine')
  },
)

test('a caller who hangs up in the middle of a body is no error of ours', async () => {
  const head =
    'POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{'
  await raw(head, true)
  expect((await ask(world.url, '/healthz')).status).toBe(200)
})

test('nothing of all this was an error in the log', () => {
  const errors = world.node(0).logs.filter((line) => /"level":[56]0/.test(line))
  expect(errors).toEqual([])
})
