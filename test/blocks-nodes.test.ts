import postgres from 'postgres'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Chat, Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Each test starts its own nodes and waits for faults to heal.
vi.setConfig({ testTimeout: 90_000 })

let world: World
afterEach(async () => {
  await world?.close()
})

/** Erin on the first node, the troll on the second, both known there by a first message. */
async function across(): Promise<{ erin: Phone; troll: Phone; chat: Chat }> {
  world = await startWorld({ nodes: 2 })
  const [erin, troll] = await Promise.all([world.phone('erin'), world.phone('troll', { node: 1 })])
  const chat = await erin.directWith(troll)
  await troll.send(chat.id, 'nice')
  await erin.waitForText('nice')
  return { erin, troll, chat }
}

const setBlock = (method: 'POST' | 'DELETE', blocker: Phone, blocked: Phone): Promise<unknown> =>
  blocker.client.request(method, `/api/users/${blocked.userId}/block`)

const history = (phone: Phone, chat: Chat): Promise<Message[]> =>
  phone.client.get<Message[]>(`/api/chats/${chat.id}/messages`, { after: 0 })

/** The troll writes until a place is void for Erin. */
async function untilWithheld(erin: Phone, troll: Phone, chat: Chat, timeoutMs: number): Promise<void> {
  await until(
    'the other node withholds',
    async () => {
      const { seq } = await troll.send(chat.id, 'is it?')
      const place = await erin.client.get<Message[]>(`/api/chats/${chat.id}/messages`, { after: seq - 1 })
      return place[0]?.type === 'void'
    },
    { timeoutMs },
  )
}

/** Cuts the world's own database off, or lets it be reached again. */
async function setPostgres(reachable: boolean): Promise<void> {
  const url = new URL(world.env['DATABASE_URL'] ?? '')
  const name = url.pathname.slice(1)
  url.pathname = '/postgres'
  const sql = postgres(url.href, { max: 1 })
  try {
    await sql`alter database ${sql(name)} with allow_connections ${sql.unsafe(String(reachable))}`
    if (!reachable) await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`
  } finally {
    await sql.end()
  }
}

async function expectNothingNasty(erin: Phone, chat: Chat): Promise<void> {
  expect(JSON.stringify([erin.frames, await history(erin, chat)])).not.toContain('nasty')
}

describe('a block on one node', () => {
  test('holds on the other at once, and ends there at once', async () => {
    const { erin, troll, chat } = await across()
    await setBlock('POST', erin, troll)
    await untilWithheld(erin, troll, chat, 1_000)
    await Promise.all(Array.from({ length: 20 }, (_, i) => troll.send(chat.id, `nasty${i}`)))
    await setBlock('DELETE', erin, troll)
    await until('a message arrives', async () => {
      const { seq } = await troll.send(chat.id, 'again')
      return (await history(erin, chat)).find((message) => message.seq === seq)?.type === 'text'
    })
    await expectNothingNasty(erin, chat)
    await expectConverged(erin, troll)
  })

  test('holds on the other within five seconds without Redis', async () => {
    const { erin, troll, chat } = await across()
    await world.redis.kill9()
    await setBlock('POST', erin, troll)
    await untilWithheld(erin, troll, chat, 5_000)
    const nasty = await troll.send(chat.id, 'nasty')
    expect(nasty.status).toBe('sent')
    await world.redis.start()
    await until(
      'erin has the place',
      () => erin.store.messages(chat.id).some(({ seq }) => seq === nasty.seq),
      {
        timeoutMs: 15_000,
      },
    )
    await expectNothingNasty(erin, chat)
    await expectConverged(erin, troll)
  })

  test('outlives a flush of Redis and the death of both nodes', async () => {
    const { erin, troll, chat } = await across()
    await setBlock('POST', erin, troll)
    await untilWithheld(erin, troll, chat, 1_000)
    await world.redis.flush()
    await troll.send(chat.id, 'nasty after the flush')
    for (const index of [0, 1]) {
      await world.node(index).kill9()
      await world.node(index).start()
    }
    erin.url = world.node(0).url
    troll.url = world.node(1).url
    const last = await troll.send(chat.id, 'nasty after the death')
    await until(
      'erin has the place',
      () => erin.store.messages(chat.id).some(({ seq }) => seq === last.seq),
      {
        timeoutMs: 15_000,
      },
    )
    await expectNothingNasty(erin, chat)
    await erin.client.post(`/api/chats/${chat.id}/read`, { upTo: 1 })
    const voids = (await history(erin, chat)).filter(({ type }) => type === 'void').length
    const { lastSeq, unreadCount } = await erin.chat(chat.id)
    expect(unreadCount).toBe(lastSeq - 1 - voids)
    await expectConverged(erin)
  })

  test('holds without PostgreSQL; a chat of which nothing is known is refused until it is back', async () => {
    const { erin, troll, chat } = await across()
    const friend = await world.phone('friend', { node: 1 })
    const unknown = await friend.directWith(erin)
    await setBlock('POST', erin, troll)
    await untilWithheld(erin, troll, chat, 1_000)
    await setPostgres(false)
    await troll.send(chat.id, 'nasty')
    await new Promise((resolve) => setTimeout(resolve, 6_000))
    const nasty = await troll.send(chat.id, 'still nasty')
    await until('erin has the place', () => erin.store.messages(chat.id).some(({ seq }) => seq === nasty.seq))
    await expect(friend.post(unknown.id, 'hello')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
    await setPostgres(true)
    await until('the friend is heard', () => friend.post(unknown.id, 'hello'))
    await erin.waitForText('hello')
    await expectNothingNasty(erin, chat)
    await expectConverged(erin)
  })

  test('holds on a node that was stopped when it was made, and was not told by Redis', async () => {
    const { erin, troll, chat } = await across()
    world.node(1).sigstop()
    await world.redis.kill9()
    await setBlock('POST', erin, troll)
    await world.redis.start()
    const nasty = troll.send(chat.id, 'nasty')
    await new Promise((resolve) => setTimeout(resolve, 7_000))
    world.node(1).sigcont()
    const { seq } = await nasty
    await until('erin has the place', () => erin.store.messages(chat.id).some((one) => one.seq === seq), {
      timeoutMs: 15_000,
    })
    await expectNothingNasty(erin, chat)
    await expectConverged(erin)
  })
})
