import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SignedIn, Tokens } from '../src/client/model.ts'
import { ask, type RawAnswer } from './support/http.ts'
import { newestCode, outboxOf } from './support/outbox-reader.ts'
import { randomPhoneNumber } from './support/phone.ts'
import { RawSocket } from './support/raw-socket.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.close()
})

const post = (path: string, json: unknown, token?: string): Promise<RawAnswer> =>
  ask(world.url, path, { json, method: 'POST', ...(token !== undefined && { token }) })

const me = (token: string): Promise<RawAnswer> => ask(world.url, '/api/users/me', { token })

async function registered(
  extra: Record<string, unknown> = {},
): Promise<{ phoneNumber: string; otp: string }> {
  const phoneNumber = randomPhoneNumber()
  const otp = await newestCode(world.url, phoneNumber, async () => {
    const answer = await post('/api/auth/register', { phoneNumber, fullName: 'Asha Rao', ...extra })
    expect(answer.status).toBe(202)
  })
  return { phoneNumber, otp }
}

async function newUser(extra: Record<string, unknown> = {}): Promise<SignedIn> {
  const answer = await post('/api/auth/verify-otp', await registered(extra))
  expect(answer.status).toBe(201)
  return answer.body.data as SignedIn
}

async function signInAgain(phoneNumber: string): Promise<SignedIn> {
  const otp = await newestCode(world.url, phoneNumber, () => post('/api/auth/otp', { phoneNumber }))
  const answer = await post('/api/auth/verify-otp', { phoneNumber, otp })
  expect(answer.status).toBe(200)
  return answer.body.data as SignedIn
}

const refresh = (tokens: Tokens): Promise<RawAnswer> =>
  post('/api/auth/refresh', { refreshToken: tokens.refreshToken })

const socketOf = (tokens: Tokens): Promise<RawSocket> =>
  RawSocket.mustOpen(world.url, { authorization: `Bearer ${tokens.accessToken}` })

const wrong = (otp: string): string => (otp === '123456' ? '654321' : '123456')

describe('registering', () => {
  test('a code makes a new user with tokens and a device, and the user sees the own profile', async () => {
    const { phoneNumber, otp } = await registered()
    expect(otp).toMatch(/^\d{6}$/)
    const answer = await post('/api/auth/verify-otp', { phoneNumber, otp })
    expect(answer.status).toBe(201)
    const { user, tokens, device } = answer.body.data as SignedIn
    expect(user).toMatchObject({ phoneNumber, countryCode: '+91', fullName: 'Asha Rao', username: null })
    expect(tokens).toMatchObject({ tokenType: 'Bearer', expiresIn: 900 })
    expect(device.id).toMatch(/^[0-9a-f-]{36}$/)
    expect((await me(tokens.accessToken)).body.data).toMatchObject({ id: user.id, phoneNumber })
  })

  test('asking for a code says how long it lives', async () => {
    const phoneNumber = randomPhoneNumber()
    const answer = await post('/api/auth/register', { phoneNumber, fullName: 'Asha Rao' })
    expect(answer.status).toBe(202)
    expect(answer.body.data).toEqual({ otpExpiresIn: 300, resendAfter: expect.any(Number) as number })
  })

  test('a taken number answers as a free one does', async () => {
    const { user } = await newUser()
    const taken = await post('/api/auth/register', { phoneNumber: user.phoneNumber, fullName: 'Someone' })
    const free = await post('/api/auth/register', { phoneNumber: randomPhoneNumber(), fullName: 'Someone' })
    expect(taken.status).toBe(free.status)
    expect(taken.body.data).toEqual(free.body.data)
  })

  test('registering a taken number again does not change the user', async () => {
    const { user } = await newUser()
    await post('/api/auth/register', { phoneNumber: user.phoneNumber, fullName: 'Mallory' })
    const again = await signInAgain(user.phoneNumber)
    expect(again.user).toMatchObject({ id: user.id, fullName: 'Asha Rao' })
  })

  test.each([
    ['a number that is none', { phoneNumber: '12', fullName: 'A' }, 'phoneNumber'],
    ['a number without its country', { phoneNumber: '9812345678', fullName: 'A' }, 'phoneNumber'],
    ['no name', { phoneNumber: randomPhoneNumber() }, 'fullName'],
    [
      'a common password',
      { phoneNumber: randomPhoneNumber(), fullName: 'A', password: 'password' },
      'password',
    ],
    [
      'a short password',
      { phoneNumber: randomPhoneNumber(), fullName: 'A', password: 'x9!fQ2z' },
      'password',
    ],
    ['an unknown field', { phoneNumber: randomPhoneNumber(), fullName: 'A', isAdmin: true }, 'isAdmin'],
  ])('%s is refused and named', async (_what, body, path) => {
    const answer = await post('/api/auth/register', body)
    expect(answer.status).toBe(400)
    expect(answer.body.error?.details?.map((detail) => detail.path)).toContain(path)
  })
})

describe('codes', () => {
  test('a wrong code is refused, and the right one still works', async () => {
    const { phoneNumber, otp } = await registered()
    const refused = await post('/api/auth/verify-otp', { phoneNumber, otp: wrong(otp) })
    expect([refused.status, refused.body.error?.code]).toEqual([401, 'INVALID_CREDENTIALS'])
    expect((await post('/api/auth/verify-otp', { phoneNumber, otp })).status).toBe(201)
  })

  test('after five wrong tries the right code is dead', async () => {
    const { phoneNumber, otp } = await registered()
    for (let i = 0; i < 5; i += 1) await post('/api/auth/verify-otp', { phoneNumber, otp: wrong(otp) })
    const answer = await post('/api/auth/verify-otp', { phoneNumber, otp })
    expect([answer.status, answer.body.error?.code]).toEqual([401, 'INVALID_CREDENTIALS'])
  })

  test('a code that comes twenty times at once opens the door once', async () => {
    const { phoneNumber, otp } = await registered()
    const tries = Array.from({ length: 20 }, () => post('/api/auth/verify-otp', { phoneNumber, otp }))
    const statuses = (await Promise.all(tries)).map((answer) => answer.status)
    expect(statuses.filter((status) => status === 201 || status === 200)).toHaveLength(1)
  })

  test('a code works once', async () => {
    const { phoneNumber, otp } = await registered()
    expect((await post('/api/auth/verify-otp', { phoneNumber, otp })).status).toBe(201)
    const spent = await post('/api/auth/verify-otp', { phoneNumber, otp })
    expect([spent.status, spent.body.error?.code]).toEqual([401, 'INVALID_CREDENTIALS'])
  })

  test('a new code kills the one before', async () => {
    const { phoneNumber, otp } = await registered()
    const second = await newestCode(world.url, phoneNumber, () => post('/api/auth/otp', { phoneNumber }))
    if (second !== otp) expect((await post('/api/auth/verify-otp', { phoneNumber, otp })).status).toBe(401)
    expect((await post('/api/auth/verify-otp', { phoneNumber, otp: second })).status).toBe(201)
  })

  test('a code belongs to its number', async () => {
    const first = await registered()
    const second = await registered()
    if (first.otp === second.otp) return
    const answer = await post('/api/auth/verify-otp', { phoneNumber: first.phoneNumber, otp: second.otp })
    expect(answer.status).toBe(401)
  })

  test('a code for a number that nobody has registered signs nobody in', async () => {
    const phoneNumber = randomPhoneNumber()
    const answer = await post('/api/auth/verify-otp', { phoneNumber, otp: '000000' })
    expect([answer.status, answer.body.error?.code]).toEqual([401, 'INVALID_CREDENTIALS'])
  })
})

describe('passwords', () => {
  const password = 'correct horse 7 battery'

  test.each(['phoneNumber', 'email', 'username'] as const)('a password signs in by %s', async (field) => {
    const tag = randomPhoneNumber().slice(3)
    const names = { email: `asha${tag}@example.org`, username: `asha${tag}` }
    const { user } = await newUser({ ...names, password })
    const login = { ...names, phoneNumber: user.phoneNumber }[field]
    const answer = await post('/api/auth/login', { [field]: login, password })
    expect(answer.status).toBe(200)
    expect((answer.body.data as SignedIn).user.id).toBe(user.id)
  })

  test('a wrong password and an unknown account answer the same', async () => {
    const { user } = await newUser({ password })
    const wrongPassword = await post('/api/auth/login', {
      phoneNumber: user.phoneNumber,
      password: 'not the one 1',
    })
    const noAccount = await post('/api/auth/login', { phoneNumber: randomPhoneNumber(), password })
    for (const answer of [wrongPassword, noAccount]) {
      expect([answer.status, answer.body.error?.code]).toEqual([401, 'INVALID_CREDENTIALS'])
    }
    expect(noAccount.body.error?.message).toBe(wrongPassword.body.error?.message)
  })

  test('a password never comes back out', async () => {
    const { tokens } = await newUser({ password })
    expect((await me(tokens.accessToken)).text).not.toMatch(/password|argon2/i)
  })
})

describe('tokens', () => {
  test('the published keys verify an access token, and hold no private part', async () => {
    const { tokens, user } = await newUser()
    const jwks = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.url))
    const { payload, protectedHeader } = await jwtVerify(tokens.accessToken, jwks, {
      algorithms: ['ES256', 'EdDSA'],
    })
    expect(protectedHeader.kid).toBeTruthy()
    expect(payload.sub).toBe(user.id)
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(900)
    expect((await ask(world.url, '/.well-known/jwks.json')).text).not.toContain('"d"')
  })

  test('a refresh token works once and gives a new pair', async () => {
    const { tokens } = await newUser()
    const answer = await refresh(tokens)
    expect(answer.status).toBe(200)
    const next = (answer.body.data as { tokens: Tokens }).tokens
    expect(next.refreshToken).not.toBe(tokens.refreshToken)
    expect((await me(next.accessToken)).status).toBe(200)
    expect((await refresh(next)).status).toBe(200)
  })

  test('using a spent refresh token ends that session everywhere, its sockets included', async () => {
    const { tokens } = await newUser()
    const next = ((await refresh(tokens)).body.data as { tokens: Tokens }).tokens
    const socket = await socketOf(next)
    const reused = await refresh(tokens)
    expect([reused.status, reused.body.error?.code]).toEqual([401, 'INVALID_TOKEN'])
    expect((await socket.closing(5_000)).code).toBe(4409)
    await until('the access token is dead', async () => (await me(next.accessToken)).status === 401, {
      timeoutMs: 5_000,
    })
    expect((await refresh(next)).status).toBe(401)
  })

  test('another session of the same user survives', async () => {
    const { tokens, user } = await newUser()
    const other = await signInAgain(user.phoneNumber)
    await refresh(tokens)
    await refresh(tokens)
    expect((await me(other.tokens.accessToken)).status).toBe(200)
    expect((await refresh(other.tokens)).status).toBe(200)
  })

  test('a made-up refresh token is refused', async () => {
    const answer = await post('/api/auth/refresh', { refreshToken: 'x'.repeat(43) })
    expect([answer.status, answer.body.error?.code]).toEqual([401, 'INVALID_TOKEN'])
  })

  test.each([
    ['no token', undefined],
    ['a word', 'nonsense'],
    ['an unsigned token', `${btoa('{"alg":"none"}').replaceAll('=', '')}.${btoa('{"sub":"x"}')}.`],
  ])('%s opens nothing', async (_what, token) => {
    const answer = await ask(world.url, '/api/users/me', token === undefined ? {} : { token })
    expect(answer.status).toBe(401)
    expect(answer.body.error?.code).toMatch(/^(UNAUTHORIZED|INVALID_TOKEN)$/)
  })

  test('a token with one changed character opens nothing', async () => {
    const { tokens } = await newUser()
    const [header, payload = '', signature] = tokens.accessToken.split('.')
    const changed = `${payload.slice(0, 10)}${payload[10] === 'A' ? 'B' : 'A'}${payload.slice(11)}`
    expect((await me([header, changed, signature].join('.'))).status).toBe(401)
  })
})

describe('sessions', () => {
  test('logging out kills the tokens and closes the sockets at once', async () => {
    const { tokens } = await newUser()
    const socket = await socketOf(tokens)
    expect((await post('/api/auth/logout', {}, tokens.accessToken)).status).toBe(204)
    expect((await me(tokens.accessToken)).status).toBe(401)
    expect((await refresh(tokens)).status).toBe(401)
    expect((await socket.closing(5_000)).code).toBe(4409)
  })

  test('logging out everywhere ends the other devices too', async () => {
    const { tokens, user } = await newUser()
    const other = await signInAgain(user.phoneNumber)
    const socket = await socketOf(other.tokens)
    expect((await post('/api/auth/logout-all', {}, tokens.accessToken)).status).toBe(204)
    expect((await socket.closing(5_000)).code).toBe(4409)
    expect((await me(other.tokens.accessToken)).status).toBe(401)
  })

  test('the signed-in devices are listed, and one can be ended from another', async () => {
    const { tokens, user } = await newUser()
    const other = await signInAgain(user.phoneNumber)
    const socket = await socketOf(other.tokens)
    const list = await ask(world.url, '/api/auth/sessions', { token: tokens.accessToken })
    const sessions = list.body.data as { id: string; current: boolean; device: { id: string } }[]
    expect(sessions).toHaveLength(2)
    expect(sessions.filter((session) => session.current)).toHaveLength(1)
    const ended = sessions.find((session) => session.device.id === other.device.id)
    const path = `/api/auth/sessions/${ended?.id}`
    const answer = await ask(world.url, path, { method: 'DELETE', token: tokens.accessToken })
    expect(answer.status).toBe(204)
    expect((await socket.closing(5_000)).code).toBe(4409)
    expect((await me(other.tokens.accessToken)).status).toBe(401)
    expect((await me(tokens.accessToken)).status).toBe(200)
  })

  test("somebody else's session is not there", async () => {
    const mine = await newUser()
    const theirs = await newUser()
    const list = await ask(world.url, '/api/auth/sessions', { token: theirs.tokens.accessToken })
    const [session] = list.body.data as { id: string }[]
    const path = `/api/auth/sessions/${session?.id}`
    const answer = await ask(world.url, path, { method: 'DELETE', token: mine.tokens.accessToken })
    expect([answer.status, answer.body.error?.code]).toEqual([404, 'RESOURCE_NOT_FOUND'])
    expect((await me(theirs.tokens.accessToken)).status).toBe(200)
  })

  test('an ended session stays ended after Redis lost everything', async () => {
    const { tokens } = await newUser()
    expect((await post('/api/auth/logout', {}, tokens.accessToken)).status).toBe(204)
    await world.redis.flush()
    expect((await me(tokens.accessToken)).status).toBe(401)
    expect((await refresh(tokens)).status).toBe(401)
  })
})

describe('the outbox', () => {
  test('codes are read there, and nowhere in the log', async () => {
    const { phoneNumber, otp } = await registered()
    const [entry] = await outboxOf(world.url, phoneNumber)
    expect(entry).toMatchObject({ channel: 'sms', to: phoneNumber, data: { otp } })
    const log = world.node(0).logs.join('\n')
    expect(log).not.toContain(phoneNumber)
    expect(log).not.toContain(`"${otp}"`)
  })
})
