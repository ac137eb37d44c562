import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiError } from '../src/client/api-error.ts'
import type { Chat, Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import { ask } from './support/http.ts'
import type { Phone } from './support/phone.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
let alice: Phone
let bob: Phone
let mallory: Phone
let chat: Chat
beforeAll(async () => {
  world = await startWorld()
  ;[alice, bob, mallory] = await world.phones('alice', 'bob', 'mallory')
  chat = await alice.directWith(bob)
})
afterAll(async () => {
  await world?.close()
})

const refused = async (attempt: Promise<unknown>): Promise<ApiError> => {
  const error = await attempt.then(
    () => null,
    (err: unknown) => err,
  )
  if (!(error instanceof ApiError)) throw new Error('it was not refused', { cause: error })
  return error
}

const messagesPath = (): string => `/api/chats/${chat.id}/messages`

const postRaw = (body: unknown) =>
  alice.client
    .request<Message>('POST', messagesPath(), { body })
    .then(({ status, data }) => ({ status, data }))

const freshChat = async (count: number): Promise<Chat> => {
  const [erin, frank] = await world.phones('erin', 'frank')
  const fresh = await erin.directWith(frank)
  await Promise.all(Array.from({ length: count }, (_, i) => erin.send(fresh.id, `n${i + 1}`)))
  readers.set(fresh.id, frank)
  return fresh
}
const readers = new Map<string, Phone>()

const seqs = async (chatId: string, query: Record<string, string | number>): Promise<number[]> => {
  const reader = readers.get(chatId) as Phone
  return (await reader.client.get<Message[]>(`/api/chats/${chatId}/messages`, query)).map(({ seq }) => seq)
}

describe('sending', () => {
  test('a message comes back whole, is listed, and reaches the other one', async () => {
    const clientMessageId = randomUUID()
    const sent = await alice.send(chat.id, 'hello bob', { clientMessageId })
    expect(sent).toMatchObject({
      chatId: chat.id,
      senderId: alice.userId,
      clientMessageId,
      type: 'text',
      content: 'hello bob',
      status: 'sent',
      isEdited: false,
      isDeleted: false,
      reactions: [],
      mentions: [],
    })
    expect(sent.id).toMatch(/^msg_[A-Za-z0-9_-]{1,36}$/)
    expect(sent.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const received = await bob.waitForText('hello bob')
    expect(received).toMatchObject({ id: sent.id, seq: sent.seq, content: 'hello bob' })
    const read = await bob.client.get<Message>(`${messagesPath()}/${sent.id}`)
    expect(read).toMatchObject({ id: sent.id, content: 'hello bob' })
  })

  test('over REST and over the socket the answer is the same resource', async () => {
    const clientMessageId = randomUUID()
    const overSocket = await alice.send(chat.id, 'either way', { clientMessageId })
    const overRest = await alice.post(chat.id, 'either way', { clientMessageId })
    expect(
      Object.keys(overRest)
        .filter((key) => key !== 'duplicate')
        .toSorted(),
    ).toEqual(Object.keys(overSocket).toSorted())
    expect(overRest.id).toBe(overSocket.id)
  })

  test('by the receiver, finding or making the direct chat', async () => {
    const grace = await world.phone('grace')
    const body = { receiverId: grace.userId, clientMessageId: randomUUID(), content: 'first contact' }
    const first = await alice.client.request<Message>('POST', '/api/messages/chat', { body })
    expect([first.status, first.data.seq]).toEqual([201, 1])
    await grace.waitForText('first contact')
    const again = await alice.client.request<Message>('POST', '/api/messages/chat', { body })
    expect([again.status, again.data.id]).toEqual([200, first.data.id])
    expect((await alice.directWith(grace)).id).toBe(first.data.chatId)
  })

  test('two hundred pipelined messages take dense places in the order of sending', async () => {
    const fresh = await freshChat(200)
    const reader = readers.get(fresh.id) as Phone
    await reader.waitForText('n200')
    const messages = reader.received(fresh.id)
    expect(messages.map((message) => message.seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
    expect(messages.map((message) => message.content)).toEqual(
      Array.from({ length: 200 }, (_, i) => `n${i + 1}`),
    )
    await expectConverged(reader)
  })

  test('two people writing at once see one order', async () => {
    const fresh = await freshChat(0)
    const frank = readers.get(fresh.id) as Phone
    const frank2 = await frank.another()
    const erinMessages = Array.from({ length: 40 }, (_, i) => frank.send(fresh.id, `f${i}`))
    const others = Array.from({ length: 40 }, (_, i) => frank2.send(fresh.id, `g${i}`))
    const all = await Promise.all([...erinMessages, ...others])
    expect(all.map((message) => message.seq).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 80 }, (_, i) => i + 1),
    )
    await frank.waitForText('g39')
    await frank2.waitForText('f39')
    await expectConverged(frank, frank2)
    await frank2.offline()
  })
})

describe('the same clientMessageId', () => {
  test('again answers 200 with the first message', async () => {
    const body = { clientMessageId: randomUUID(), content: 'once' }
    const first = await postRaw(body)
    const second = await postRaw(body)
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.data).toMatchObject({ id: first.data.id, seq: first.data.seq })
    expect(first.data).not.toHaveProperty('duplicate')
  })

  test('twenty times at once makes one message', async () => {
    const body = { clientMessageId: randomUUID(), content: 'at once' }
    const answers = await Promise.all(Array.from({ length: 20 }, () => postRaw(body)))
    expect(new Set(answers.map((answer) => answer.data.id)).size).toBe(1)
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
  })

  test('with another body is a conflict, and the first stays', async () => {
    const clientMessageId = randomUUID()
    const first = await postRaw({ clientMessageId, content: 'the first' })
    const error = await refused(postRaw({ clientMessageId, content: 'another' }))
    expect([error.status, error.code]).toEqual([409, 'CONFLICT'])
    const stays = await alice.client.get<Message>(`${messagesPath()}/${first.data.id}`)
    expect(stays.content).toBe('the first')
    await expect(
      alice.socket.request('message:send', { chatId: chat.id, clientMessageId, content: 'a third' }),
    ).rejects.toMatchObject({ code: 'CONFLICT', retryable: false })
  })

  test('is free again in another chat, and for another sender', async () => {
    const clientMessageId = randomUUID()
    const mine = await alice.send(chat.id, 'a', { clientMessageId })
    const notes = await alice.directWith(alice)
    const elsewhere = await alice.send(notes.id, 'b', { clientMessageId })
    const theirs = await bob.send(chat.id, 'c', { clientMessageId })
    expect(new Set([mine.id, elsewhere.id, theirs.id]).size).toBe(3)
  })

  test('holds after Redis lost everything', async () => {
    const body = { clientMessageId: randomUUID(), content: 'before the flush' }
    const first = await postRaw(body)
    await world.redis.flush()
    expect(await postRaw(body)).toMatchObject({ status: 200, data: { id: first.data.id } })
  })

  test('holds after the message was edited', async () => {
    const body = { clientMessageId: randomUUID(), content: 'as sent' }
    const first = await postRaw(body)
    await alice.client.patch(`${messagesPath()}/${first.data.id}`, { content: 'as edited' })
    expect(await postRaw(body)).toMatchObject({ status: 200, data: { id: first.data.id } })
  })

  test('holds for a reply whose quoted message is gone for its sender by now', async () => {
    const quoted = await bob.send(chat.id, 'quote me')
    const body = { clientMessageId: 'a-reply', content: 'quoting', replyToId: quoted.id }
    const first = await postRaw(body)
    await alice.client.delete(`${messagesPath()}/${quoted.id}`)
    expect(await postRaw(body)).toEqual({ status: 200, data: first.data })
    const again = await alice.socket.request<Message>('message:send', { chatId: chat.id, ...body })
    expect(again).toMatchObject({ id: first.data.id, duplicate: true })
    const fresh = await refused(postRaw({ ...body, clientMessageId: 'a-later-reply' }))
    expect(fresh.status).toBe(404)
  })
})

describe('what a message may say', () => {
  test.each([
    ['astral characters', '𝒽𝑒𝓁𝓁𝑜 🐘👩‍👩‍👧‍👦'],
    ['right to left', 'שלום \u200fעולם'],
    ['combining marks, kept as they came', 'e\u0301 \u00e9'],
    ['white space inside', 'a\n\tb\u00a0c'],
    ['what looks like markup', '<script>alert(1)</script>'],
    ['what looks like an operator', '{"$gt":""}'],
    ['the longest allowed', 'x'.repeat(4_096)],
    ['the longest allowed in code points', '🐘'.repeat(4_096)],
  ])('%s', async (_what, content) => {
    const { data } = await postRaw({ clientMessageId: randomUUID(), content })
    expect(data.content).toBe(content)
    expect((await bob.client.get<Message>(`${messagesPath()}/${data.id}`)).content).toBe(content)
  })

  test.each([
    ['nothing', {}, 'content'],
    ['an empty text', { content: '' }, 'content'],
    ['4,097 characters', { content: 'x'.repeat(4_097) }, 'content'],
    ['NUL', { content: 'a\u0000b' }, 'content'],
    ['a lone high surrogate', { content: 'a\ud800b' }, 'content'],
    ['a lone low surrogate', { content: 'a\udc00b' }, 'content'],
    ['an operator', { content: { $ne: null } }, 'content'],
    ['a number', { content: 7 }, 'content'],
    ['an unknown type', { content: 'x', type: 'telepathy' }, 'type'],
    ['a foreign sender', { content: 'x', senderId: randomUUID() }, 'senderId'],
    ['a place of its own', { content: 'x', seq: 1 }, 'seq'],
    ['an expiry too short', { content: 'x', expiresIn: 4 }, 'expiresIn'],
    ['no clientMessageId', { content: 'x', clientMessageId: undefined }, 'clientMessageId'],
    ['a clientMessageId of 65', { content: 'x', clientMessageId: 'x'.repeat(65) }, 'clientMessageId'],
    ['a clientMessageId with a space', { content: 'x', clientMessageId: 'a b' }, 'clientMessageId'],
  ])('%s is refused and named', async (_what, body, path) => {
    const error = await refused(postRaw({ clientMessageId: randomUUID(), ...body }))
    expect(error.status).toBe(400)
    expect(error.code).toMatch(/^(VALIDATION_ERROR|MISSING_REQUIRED_FIELD|INVALID_INPUT)$/)
    expect(error.details?.some((detail) => detail.path.startsWith(path))).toBe(true)
  })
})

describe('history', () => {
  let fresh: Chat
  let ids: string[]
  beforeAll(async () => {
    fresh = await freshChat(60)
    const frank = readers.get(fresh.id) as Phone
    await frank.waitForText('n60')
    ids = frank.received(fresh.id).map((message) => message.id)
  })

  test.each<[string, Record<string, string | number>, number, number]>([
    ['without a position: the newest 25', {}, 36, 60],
    ['with a limit', { limit: 10 }, 51, 60],
    ['before a seq', { before: 36, limit: 10 }, 26, 35],
    ['after a seq', { after: 10, limit: 10 }, 11, 20],
    ['after=0 is the beginning', { after: 0, limit: 50 }, 1, 50],
    ['before the first there is nothing', { before: 1 }, 1, 0],
    ['after the last there is nothing', { after: 60 }, 1, 0],
  ])('%s, ascending', async (_what, query, from, to) => {
    const expected = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
    expect(await seqs(fresh.id, query)).toEqual(expected)
  })

  test('a message id serves as a position too', async () => {
    expect(await seqs(fresh.id, { before: ids[29] as string, limit: 5 })).toEqual([25, 26, 27, 28, 29])
    expect(await seqs(fresh.id, { after: ids[29] as string, limit: 5 })).toEqual([31, 32, 33, 34, 35])
  })

  test.each([51, 0, -1, 'ten'])('a limit of %s is refused', async (limit) => {
    expect((await refused(seqs(fresh.id, { limit }))).code).toBe('VALIDATION_ERROR')
  })
})

describe('ids', () => {
  test.each<[string, (message: Message) => string]>([
    ['a made-up one', () => `msg_${'A'.repeat(22)}`],
    ['a truncated one', (message) => message.id.slice(0, -1)],
    ['a lengthened one', (message) => `${message.id}A`],
    ['a tampered one', (message) => tampered(message.id)],
    ['of another type', () => chat.id],
    ['a bare ObjectId', () => '507f1f77bcf86cd799439011'],
    ['an operator', () => encodeURIComponent('{"$ne":null}')],
    ['a path', () => '..%2f..%2f'],
    ['NUL', () => '%00'],
    ['a very long one', () => 'x'.repeat(2_000)],
  ])('%s is 404 and never 500', async (_what, forge) => {
    const message = await alice.send(chat.id, 'a target')
    const answer = await ask(world.url, `${messagesPath()}/${forge(message)}`, {
      token: alice.client.tokens?.accessToken ?? '',
    })
    expect(answer.status).toBe(404)
  })

  test('every single changed character of an id makes it unknown', async () => {
    const message = await alice.send(chat.id, 'a target')
    const places = Array.from({ length: message.id.length - 4 }, (_, i) => i + 4)
    const forgeries = places.map((at) => {
      const other = message.id[at] === 'A' ? 'B' : 'A'
      return `${message.id.slice(0, at)}${other}${message.id.slice(at + 1)}`
    })
    const statuses = await Promise.all(
      forgeries.map(async (id) => (await refused(alice.client.get(`${messagesPath()}/${id}`))).status),
    )
    expect(new Set(statuses)).toEqual(new Set([404]))
  })

  test('a message of another chat of mine is not there under this one', async () => {
    const notes = await alice.directWith(alice)
    const elsewhere = await alice.send(notes.id, 'elsewhere')
    expect((await refused(alice.client.get(`${messagesPath()}/${elsewhere.id}`))).status).toBe(404)
  })

  test('a reply to a message of a chat that is not mine is refused', async () => {
    const notes = await mallory.directWith(mallory)
    const foreign = await mallory.send(notes.id, 'secret')
    const error = await refused(
      postRaw({ clientMessageId: randomUUID(), content: 're', replyToId: foreign.id }),
    )
    expect(error.status).toBe(404)
  })
})

function tampered(id: string): string {
  const last = id.at(-2) === 'x' ? 'y' : 'x'
  return `${id.slice(0, -2)}${last}${id.at(-1)}`
}

describe('changing', () => {
  test('an edit reaches the other one, is marked, and keeps its history', async () => {
    const message = await alice.send(chat.id, 'teh')
    const edited = await alice.client.patch<Message>(`${messagesPath()}/${message.id}`, { content: 'the' })
    expect(edited).toMatchObject({ id: message.id, seq: message.seq, content: 'the', isEdited: true })
    expect(edited.rev).toBeGreaterThan(message.rev)
    const frame = await bob.waitFor('message:edited', (f) => f.data.message?.id === message.id)
    expect(frame.data.message).toMatchObject({ content: 'the', isEdited: true })
    const history = await alice.client.get<unknown[]>(`${messagesPath()}/${message.id}/history`)
    expect(JSON.stringify(history)).toContain('teh')
    await expectConverged(bob)
  })

  test("nobody edits another one's message", async () => {
    const message = await alice.send(chat.id, 'mine')
    const error = await refused(bob.client.patch(`${messagesPath()}/${message.id}`, { content: 'yours' }))
    expect(error.status).toBe(403)
  })

  test('deleted for everyone: a tombstone on its place, for both', async () => {
    const message = await alice.send(chat.id, 'regret')
    await alice.client.delete(`${messagesPath()}/${message.id}`, { forEveryone: true })
    const frame = await bob.waitFor('message:deleted', (f) => f.data['messageId'] === message.id)
    expect(frame.data).toMatchObject({ chatId: chat.id, seq: message.seq, deletedBy: alice.userId })
    const gone = await bob.client.get<Message>(`${messagesPath()}/${message.id}`)
    expect(gone).toMatchObject({ isDeleted: true, content: null, seq: message.seq })
    await expectConverged(bob)
  })

  test('deleted for oneself: void here, untouched there', async () => {
    const message = await alice.send(chat.id, 'for bob only')
    await alice.client.delete(`${messagesPath()}/${message.id}`)
    const mine = await alice.client.get<Message[]>(messagesPath(), { after: message.seq - 1, limit: 1 })
    expect(mine[0]).toMatchObject({ type: 'void', seq: message.seq, content: null, senderId: null })
    const theirs = await bob.client.get<Message>(`${messagesPath()}/${message.id}`)
    expect(theirs.content).toBe('for bob only')
  })

  test('a reaction is one per person, replaced by the next, and counted', async () => {
    const message = await alice.send(chat.id, 'react to this')
    const path = `${messagesPath()}/${message.id}`
    const reactions = async (phone: Phone) => (await phone.client.get<Message>(path)).reactions
    await bob.client.post(`${path}/reactions`, { emoji: '👍' })
    await alice.waitFor('message:reaction:added', (f) => f.data['messageId'] === message.id)
    await bob.client.post(`${path}/reactions`, { emoji: '❤️' })
    await alice.client.post(`${path}/reactions`, { emoji: '❤️' })
    expect(await reactions(bob)).toEqual([{ emoji: '❤️', count: 2, mine: true }])
    expect(await reactions(mallory).catch((err: ApiError) => err.status)).toBe(404)
    await bob.client.delete(`${path}/reactions/${encodeURIComponent('❤️')}`)
    expect(await reactions(bob)).toEqual([{ emoji: '❤️', count: 1, mine: false }])
    await expectConverged(bob)
  })

  test('what changed since a revision is all there, ascending, with the next revision', async () => {
    const before = await bob.chat(chat.id)
    const first = await alice.send(chat.id, 'changed one')
    const second = await alice.send(chat.id, 'changed two')
    await alice.client.patch(`${messagesPath()}/${first.id}`, { content: 'changed again' })
    const path = `/api/chats/${chat.id}/changes`
    const changes = await bob.client.get<{ messages: Message[]; rev: number; hasMore: boolean }>(path, {
      since: before.rev,
    })
    expect(changes.messages.map((message) => message.id).toSorted()).toEqual([first.id, second.id].toSorted())
    expect(changes.messages.find((message) => message.id === first.id)?.content).toBe('changed again')
    const revs = changes.messages.map((message) => message.rev)
    expect(revs).toEqual(revs.toSorted((a, b) => a - b))
    const none = await bob.client.get<{ messages: Message[] }>(path, { since: changes.rev })
    expect(none.messages).toEqual([])
  })
})
