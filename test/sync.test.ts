import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Frame, Login, Message } from '../src/client/model.ts'
import { ApiError } from '../src/client/api-error.ts'
import { Link } from '../src/client/link.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { RawSocket } from './support/raw-socket.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
let alice: Phone
let bob: Phone
beforeAll(async () => {
  world = await startWorld()
  ;[alice, bob] = await world.phones('alice', 'bob')
})
afterAll(async () => {
  await world?.close()
})

type Sync = { events: Frame[]; cursor: string; hasMore: boolean; reset: boolean }

const sync = (phone: Phone, cursor: string): Promise<Sync> => phone.client.get<Sync>('/api/sync', { cursor })

const texts = (frames: Frame[], chatId: string): (string | null)[] =>
  frames
    .filter((frame) => frame.event === 'message:received')
    .map((frame) => frame.data?.['message'] as Message)
    .filter((message) => message.chatId === chatId)
    .map((message) => message.content)

async function tokenOf(phone: Phone): Promise<string> {
  return await phone.client.accessToken()
}

/** A second connection of a phone, without the client's own memory. */
async function connect(
  phone: Phone,
  cursor: string | null,
  via: 'header' | 'frame' = 'header',
): Promise<{ link: Link; login: Login; frames: Frame[] }> {
  const frames: Frame[] = []
  const token = await tokenOf(phone)
  const onFrame = (frame: Frame): void => void frames.push(frame)
  const { link, login } = await Link.open({ url: world.url, token, cursor, via, onFrame })
  return { link, login, frames }
}

describe('resuming', () => {
  test.each(['header', 'frame'] as const)(
    'by %s: everything missed, in order, then sync:done, then live events',
    async (via) => {
      const carol = await world.phone('carol')
      const chat = await alice.directWith(carol)
      await alice.send(chat.id, 'before')
      await carol.waitForText('before')
      await carol.offline()
      const cursor = carol.store.cursor as string
      for (let i = 0; i < 30; i += 1) await alice.send(chat.id, `missed ${i}`)
      const { link, login, frames } = await connect(carol, cursor, via)
      expect(login).toMatchObject({ userId: carol.userId, deviceId: carol.deviceId, reset: false })
      await until('sync:done', () => frames.some((frame) => frame.event === 'sync:done'))
      await alice.send(chat.id, 'live')
      await until('the live one', () => texts(frames, chat.id).includes('live'))
      expect(texts(frames, chat.id)).toEqual([...Array.from({ length: 30 }, (_, i) => `missed ${i}`), 'live'])
      const done = frames.findIndex((frame) => frame.event === 'sync:done')
      const live = frames.findIndex(
        (frame) => (frame.data?.['message'] as Message | undefined)?.content === 'live',
      )
      expect(live).toBeGreaterThan(done)
      link.close()
    },
  )

  test('without a cursor only what happens from now on', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    await alice.send(chat.id, 'earlier')
    const { link, login, frames } = await connect(carol, null)
    expect(login.reset).toBe(false)
    expect(typeof login.cursor).toBe('string')
    await alice.send(chat.id, 'later')
    await until('the later one', () => texts(frames, chat.id).includes('later'))
    expect(texts(frames, chat.id)).toEqual(['later'])
    link.close()
  })

  test('an acknowledged cursor is not sent again, and a device may go back to an older one', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    const start = carol.store.cursor as string
    for (const text of ['one', 'two', 'three']) await alice.send(chat.id, text)
    await carol.waitForText('three')
    const { link, frames } = await connect(carol, carol.store.cursor)
    await until('sync:done', () => frames.some((frame) => frame.event === 'sync:done'))
    expect(texts(frames, chat.id)).toEqual([])
    frames.length = 0
    const answer = await link.request<{ cursor: string; reset: boolean }>('sync:resume', { cursor: start })
    expect(answer.reset).toBe(false)
    await until('sync:done', () => frames.some((frame) => frame.event === 'sync:done'))
    expect(texts(frames, chat.id)).toEqual(['one', 'two', 'three'])
    link.close()
  })

  test('while messages keep coming in, none is missed and none comes twice', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    await alice.send(chat.id, 'm0')
    await carol.waitForText('m0')
    const sends: Promise<Message>[] = []
    for (let round = 0; round < 6; round += 1) {
      await carol.offline()
      for (let i = 0; i < 20; i += 1) sends.push(alice.send(chat.id, `m${round * 20 + i + 1}`))
      await carol.online()
    }
    await Promise.all(sends)
    await carol.waitForText('m120')
    expect(carol.received(chat.id).map((message) => message.seq)).toEqual(
      Array.from({ length: 121 }, (_, i) => i + 1),
    )
    await expectConverged(carol)
  })
})

describe('own devices', () => {
  test('the other device gets what this one sent; the sending socket gets its answer instead', async () => {
    const tablet = await alice.another()
    const chat = await alice.directWith(bob)
    const from = alice.frames.length
    const sent = await alice.send(chat.id, 'from my phone')
    expect((await tablet.waitForText('from my phone')).id).toBe(sent.id)
    await bob.waitForText('from my phone')
    const answer = await bob.send(chat.id, 'and back')
    await alice.waitForText('and back', { from })
    expect(alice.received(chat.id, from).map((message) => message.id)).toEqual([answer.id])
    await expectConverged(alice, tablet, bob)
    await tablet.offline()
  })

  test('every device sees one and the same order of events', async () => {
    const carol = await world.phone('carol')
    const second = await carol.another()
    const chat = await alice.directWith(carol)
    const [start, start2] = [carol.frames.length, second.frames.length]
    await Promise.all(Array.from({ length: 30 }, (_, i) => alice.send(chat.id, `m${i}`)))
    await alice.send(chat.id, 'the last')
    await carol.waitForText('the last')
    await second.waitForText('the last')
    const ids = (phone: Phone, from: number): string[] => phone.received(chat.id, from).map(({ id }) => id)
    expect(ids(carol, start)).toEqual(ids(second, start2))
  })
})

describe('after Redis lost everything', () => {
  test('a device comes back with a reset or with everything, and ends in the same state', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    const first = await alice.send(chat.id, 'before the loss')
    await carol.waitForText('before the loss')
    await carol.offline()
    await alice.send(chat.id, 'missed')
    await alice.client.patch(`/api/chats/${chat.id}/messages/${first.id}`, { content: 'edited while away' })
    await world.redis.flush()
    await alice.send(chat.id, 'after the loss')
    const from = carol.frames.length
    await carol.online()
    await until('the newest message is there', () =>
      carol.store.messages(chat.id).some((message) => message.content === 'after the loss'),
    )
    await expectConverged(carol)
    expect(carol.store.messages(chat.id)[0]?.content).toBe('edited while away')
    await carol.waitFor('sync:done', () => true, { from })
  })

  test('an open socket goes on, and nothing sent after the loss is missed', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    for (let i = 0; i < 10; i += 1) {
      if (i % 3 === 1) await world.redis.flush()
      await alice.send(chat.id, `m${i}`)
    }
    await until(
      'all ten are there',
      () =>
        carol.store.messages(chat.id).filter((message) => /^m\d$/.test(message.content ?? '')).length === 10,
      { timeoutMs: 15_000 },
    )
    await expectConverged(carol)
  })
})

const forge = (cursor: string): string => `${cursor.slice(0, -3)}${cursor.at(-3) === 'x' ? 'yyy' : 'xxx'}`

describe('a cursor', () => {
  test.each<[string, () => string]>([
    ['of somebody else', () => bob.store.cursor as string],
    ['made up', () => 'garbage'],
    ['tampered with', () => forge(alice.store.cursor as string)],
    ['cut short', () => (alice.store.cursor as string).slice(0, 8)],
  ])('%s is an error on every door', async (_what, make) => {
    const cursor = make()
    const overRest = await sync(alice, cursor).catch((err: unknown) => err as ApiError)
    expect(overRest).toBeInstanceOf(ApiError)
    expect([(overRest as ApiError).status, (overRest as ApiError).code]).toEqual([400, 'INVALID_INPUT'])
    const headers = { authorization: `Bearer ${await tokenOf(alice)}` }
    expect(await RawSocket.open(world.url, headers, `?cursor=${encodeURIComponent(cursor)}`)).toBe(400)
    await expect(alice.socket.request('sync:resume', { cursor })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    await expect(alice.socket.request('sync:ack', { cursor })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    expect(alice.socket.link?.isOpen).toBe(true)
  })

  test('is required where it is the question', async () => {
    const error = await alice.client
      .get('/api/sync', { curser: 'x' })
      .catch((err: unknown) => err as ApiError)
    expect((error as ApiError).status).toBe(400)
  })
})

describe('GET /api/sync', () => {
  test('gives the durable events since the cursor, as the socket sent them', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    const start = carol.store.cursor as string
    const from = carol.frames.length
    for (let i = 0; i < 5; i += 1) await alice.send(chat.id, `m${i}`)
    await carol.waitForText('m4', { from })
    const page = await sync(carol, start)
    expect(Object.keys(page).toSorted()).toEqual(['cursor', 'events', 'hasMore', 'reset'])
    expect(page.reset).toBe(false)
    const events: Frame[] = [...page.events]
    for (let next = page; next.hasMore;) {
      next = await sync(carol, next.cursor)
      events.push(...next.events)
    }
    expect(texts(events, chat.id)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4'])
    const overSocket = carol.eventsOf('message:received', from)
    const overRest = events.filter((event) => event.event === 'message:received')
    expect(overRest.map((event) => event.cursor)).toEqual(overSocket.map((frame) => frame.cursor))
    expect(overRest.map((event) => event.data)).toEqual(overSocket.map((frame) => frame.data))
  })

  test('at the end there is nothing, and the cursor stays good', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    await alice.send(chat.id, 'm')
    await carol.waitForText('m')
    const end = await sync(carol, carol.store.cursor as string)
    expect(end).toMatchObject({ events: [], hasMore: false, reset: false })
    await alice.send(chat.id, 'n')
    await until('the next one', async () =>
      texts((await sync(carol, end.cursor)).events, chat.id).includes('n'),
    )
  })
})

// Last, for it cuts everybody's socket.
describe('after Redis was away', () => {
  test('with Redis killed and started again empty, sends are acknowledged and arrive', async () => {
    const carol = await world.phone('carol')
    const chat = await alice.directWith(carol)
    await world.redis.kill9()
    const sent = await alice.send(chat.id, 'without redis')
    expect(sent.seq).toBe(1)
    await carol.waitForText('without redis')
    await world.redis.start()
    await alice.send(chat.id, 'with it again')
    await until('both are there', () => carol.store.messages(chat.id).length === 2, { timeoutMs: 15_000 })
    await expectConverged(carol)
  })
})
