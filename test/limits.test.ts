import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, type RawAnswer } from './support/http.ts'
import { newestCode } from './support/outbox-reader.ts'
import { randomPhoneNumber } from './support/phone.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ nodes: 2, env: { RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1' } })
})
afterAll(async () => {
  await world?.close()
})

// Every test comes from an address of its own, so that one does not use up another's allowance.
let lastAddress = 0
const address = (): Record<string, string> => ({ 'x-forwarded-for': `198.51.100.${(lastAddress += 1)}` })

const post = (path: string, json: unknown, headers: Record<string, string>, node = 0): Promise<RawAnswer> =>
  ask(world.node(node).url, path, { json, headers })

test('a number gets three codes an hour, on whichever node it asks, also after Redis lost everything', async () => {
  const headers = address()
  const phoneNumber = randomPhoneNumber()
  expect((await post('/api/auth/register', { phoneNumber, fullName: 'A' }, headers)).status).toBe(202)
  expect((await post('/api/auth/otp', { phoneNumber }, headers, 1)).status).toBe(202)
  expect((await post('/api/auth/otp', { phoneNumber }, headers)).status).toBe(202)
  for (const node of [0, 1]) {
    const fourth = await post('/api/auth/otp', { phoneNumber }, address(), node)
    expect([fourth.status, fourth.body.error?.code]).toEqual([429, 'RATE_LIMIT_EXCEEDED'])
    expect(Number(fourth.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  await world.redis.flush()
  expect((await post('/api/auth/otp', { phoneNumber }, address())).status).toBe(429)
})

test('the five tries of a code hold across nodes and across a flush of Redis', async () => {
  const headers = address()
  const phoneNumber = randomPhoneNumber()
  const otp = await newestCode(world.url, phoneNumber, () =>
    post('/api/auth/register', { phoneNumber, fullName: 'A' }, headers),
  )
  const wrong = otp === '111111' ? '222222' : '111111'
  for (const node of [0, 1, 0]) await post('/api/auth/verify-otp', { phoneNumber, otp: wrong }, headers, node)
  await world.redis.flush()
  for (const node of [1, 0]) await post('/api/auth/verify-otp', { phoneNumber, otp: wrong }, headers, node)
  expect((await post('/api/auth/verify-otp', { phoneNumber, otp }, headers, 1)).status).toBe(401)
})

test('failed logins are limited per account, from whatever address and on whichever node', async () => {
  const headers = address()
  const phoneNumber = randomPhoneNumber()
  const password = 'a long enough 1 password'
  const otp = await newestCode(world.url, phoneNumber, () =>
    post('/api/auth/register', { phoneNumber, fullName: 'A', password }, headers),
  )
  expect((await post('/api/auth/verify-otp', { phoneNumber, otp }, headers)).status).toBe(201)
  for (let i = 0; i < 5; i += 1) {
    const answer = await post(
      '/api/auth/login',
      { phoneNumber, password: `wrong ${i} password` },
      address(),
      i % 2,
    )
    expect(answer.status).toBe(401)
  }
  const sixth = await post('/api/auth/login', { phoneNumber, password }, address(), 1)
  expect([sixth.status, sixth.body.error?.code]).toEqual([429, 'RATE_LIMIT_EXCEEDED'])
})

test('failed logins are limited per address, whatever the account', async () => {
  const headers = address()
  const login = (): Promise<RawAnswer> =>
    post('/api/auth/login', { phoneNumber: randomPhoneNumber(), password: 'whatever it is 1' }, headers)
  for (let i = 0; i < 5; i += 1) expect((await login()).status).toBe(401)
  expect((await login()).status).toBe(429)
})

test('every answer of a limited group says what is left', async () => {
  const answer = await post('/api/auth/otp', { phoneNumber: randomPhoneNumber() }, address())
  expect(answer.headers.get('ratelimit')).toBeTruthy()
  expect(answer.headers.get('ratelimit-policy')).toBeTruthy()
})

test('a user sends a hundred messages a minute, over both doors together', async () => {
  const alice = await world.phone('alice')
  const notes = await alice.client.post<{ id: string }>('/api/chats', {
    type: 'direct',
    participantIds: [alice.userId],
  })
  const send = (node: number): Promise<RawAnswer> =>
    ask(world.node(node).url, `/api/chats/${notes.id}/messages`, {
      json: { clientMessageId: randomUUID(), content: 'x' },
      token: alice.client.tokens?.accessToken ?? '',
      headers: address(),
    })
  const statuses: number[] = []
  for (let i = 0; i < 12; i += 1) {
    const batch = await Promise.all(Array.from({ length: 10 }, (_, n) => send(n % 2)))
    statuses.push(...batch.map((answer) => answer.status))
  }
  expect(statuses.filter((status) => status === 201).length).toBeLessThanOrEqual(105)
  expect(statuses.filter((status) => status === 201).length).toBeGreaterThanOrEqual(100)
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0)
  await expect(
    alice.socket.request('message:send', { chatId: notes.id, clientMessageId: randomUUID(), content: 'x' }),
  ).rejects.toMatchObject({ code: 'RATE_LIMIT_EXCEEDED' })
})
