// What people say, who they are and what opens their accounts never reaches the log, whatever goes wrong.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, type RawAnswer } from './support/http.ts'
import { newestCode } from './support/outbox-reader.ts'
import { randomPhoneNumber } from './support/phone.ts'
import { RawSocket } from './support/raw-socket.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

const MARK = 'zanzibarmark'
const PASSWORD = `${MARK} seven lanterns`

let world: World
const secrets = new Map<string, string>()
beforeAll(async () => {
  world = await startWorld({ env: { LOG_LEVEL: 'trace' } })
})
afterAll(async () => {
  await world?.close()
})

/** Which secrets stand in a text, in any of the forms in which they travel. */
function leaks(text: string): string[] {
  return [...secrets].flatMap(([name, secret]) => {
    const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64url')]
    // Six digits may be part of a time or an id; as a word of their own they are a code.
    if (/^\d{6}$/.test(secret)) return new RegExp(`(?<![\\w.-])${secret}(?![\\w-])`).test(text) ? [name] : []
    return forms.some((form) => text.includes(form)) ? [name] : []
  })
}

type SignedIn = {
  user: { id: string }
  tokens: { accessToken: string; refreshToken: string }
}

async function signUp(name: string): Promise<SignedIn> {
  const phoneNumber = randomPhoneNumber()
  secrets.set(`${name}'s number`, phoneNumber).set(`${name}'s number without plus`, phoneNumber.slice(1))
  const email = `${MARK}.${name}@example.com`
  const json = { phoneNumber, fullName: `${MARK} ${name}`, email, password: PASSWORD }
  const post = (path: string, body: unknown): Promise<RawAnswer> => ask(world.url, path, { json: body })
  const otp = await newestCode(world.url, phoneNumber, () => post('/api/auth/register', json))
  secrets.set(`${name}'s code`, otp)
  const wrong = otp === '111111' ? '222222' : '111111'
  expect((await post('/api/auth/verify-otp', { phoneNumber, otp: wrong })).status).toBe(401)
  const answer = await post('/api/auth/verify-otp', { phoneNumber, otp })
  expect(answer.status).toBe(201)
  const signedIn = answer.body.data as SignedIn
  const { accessToken, refreshToken } = signedIn.tokens
  secrets.set(`${name}'s access token`, accessToken).set(`${name}'s refresh token`, refreshToken)
  // The signature alone would do for who has the rest from elsewhere.
  secrets.set(`${name}'s signature`, accessToken.split('.')[2] ?? '')
  return signedIn
}

test('a secret is found where there is one', () => {
  secrets.set('a code', '402917').set('a word', MARK)
  expect(leaks(`{"msg":"code 402917 sent"}`)).toEqual(['a code'])
  expect(leaks(`{"time":"2026-11-20T18:42:47.402917Z"}`)).toEqual([])
  expect(leaks(`{"query":"x${MARK}y"}`)).toEqual(['a word'])
  secrets.delete('a code')
})

test('the log of an ordinary and of a bad day names nobody and repeats nothing', async () => {
  const alice = await signUp('alice')
  const bob = await signUp('bob')
  const token = alice.tokens.accessToken
  const call = (path: string, json?: unknown, method?: string): Promise<RawAnswer> =>
    ask(world.url, path, { token, json, ...(method === undefined ? {} : { method }) })
  const direct = { type: 'direct', participantIds: [bob.user.id] }
  const chatId = ((await call('/api/chats', direct)).body.data as { id: string }).id
  const messages = `/api/chats/${chatId}/messages`
  const draft = (extra: object = {}): object => ({ clientMessageId: randomUUID(), content: MARK, ...extra })

  const refused: RawAnswer[] = []
  expect((await call(messages, draft())).status).toBe(201)
  expect((await call('/api/chats', { type: 'group', participantIds: [], name: MARK })).status).toBe(201)
  for (const body of [draft({ [MARK]: MARK }), draft({ content: MARK.repeat(500) }), draft({ type: MARK })])
    refused.push(await call(messages, body))
  const number = secrets.get("alice's number") ?? ''
  refused.push(await call('/api/auth/login', { phoneNumber: number, password: `${MARK} wrong` }))
  refused.push(await call('/api/auth/login', { username: MARK, password: `${MARK} wrong` }))
  refused.push(await call('/api/auth/refresh', { refreshToken: `${MARK}token` }))
  refused.push(
    await call('/api/users/me', { email: `${MARK}.bob@example.com`, bio: MARK.repeat(60) }, 'PATCH'),
  )
  refused.push(await call(`/api/users/${MARK}`))
  refused.push(await call(`/api/nowhere/${encodeURIComponent(number)}?token=${token}&q=${MARK}`))
  refused.push(await ask(world.url, '/api/users/me', { token: `${token}x` }))
  refused.push(await ask(world.url, '/api/users/me', { headers: { authorization: `Basic ${MARK}` } }))
  const broken = { text: `{"content":"${MARK}`, headers: { 'content-type': 'application/json' } }
  refused.push(await ask(world.url, messages, { ...broken, token }))
  for (const answer of refused) expect(answer.status, answer.text).toBeGreaterThanOrEqual(400)
  expect((await call(`/api/users/search?query=${encodeURIComponent(number)}`)).status).toBe(200)
  expect((await call('/api/users/me', { bio: MARK }, 'PATCH')).status).toBe(200)

  expect(await RawSocket.open(world.url, {}, `?token=${token}`)).toBe(400)
  const socket = await RawSocket.mustOpen(world.url)
  socket.send({ event: 'auth:login', id: 'login', data: { token } })
  await socket.frame('the sign-in', ({ id }) => id === 'login')
  const frames = [
    JSON.stringify({ event: 'message:send', id: 'sent', data: { chatId, ...draft() } }),
    JSON.stringify({ event: 'message:send', id: 'refused', data: { chatId, ...draft({ [MARK]: 1 }) } }),
    JSON.stringify({ event: MARK, id: 'unknown', data: { token } }),
    `{"event":"message:send","data":{"content":"${MARK}`,
  ]
  for (const frame of frames) socket.send(frame)
  await until('every frame is answered', () => socket.frames.filter(isAnswer).length === 1 + frames.length)

  // Drivers' errors like to quote the command that failed.
  const quiet = world.node(0).logs.length
  await world.redis.kill9()
  expect((await call(messages, draft())).status).toBe(201)
  socket.send({ event: 'message:typing', id: 'typing', data: { chatId } })
  await call('/api/sync?cursor=')
  await until('the log tells of the loss', () => world.node(0).logs.length > quiet)
  await world.redis.start()
  socket.close()

  expect(leaks(world.node(0).logs.join('\n'))).toEqual([])
})

const isAnswer = ({ event }: { event: string }): boolean => event === 'ack' || event === 'error:general'
