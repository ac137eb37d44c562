import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Chat, User } from '../src/client/model.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ nodes: 2 })
})
afterAll(async () => {
  await world?.close()
})

async function pair(): Promise<{ alice: Phone; bob: Phone; chat: Chat }> {
  const [alice, bob] = await Promise.all([world.phone('alice'), world.phone('bob', { node: 1 })])
  return { alice, bob, chat: await alice.directWith(bob) }
}

const watch = (phone: Phone, ...others: Phone[]): Promise<unknown> =>
  phone.socket.request('presence:subscribe', { userIds: others.map((other) => other.userId) })

const typing = (phone: Phone, chat: Chat, event = 'message:typing'): Promise<unknown> =>
  phone.socket.request(event, { chatId: chat.id })

const isFrom =
  (phone: Phone) =>
  (frame: { data: Record<string, unknown> }): boolean =>
    frame.data['userId'] === phone.userId

describe('typing', () => {
  test('is shown to the other one, on the other node, without a cursor', async () => {
    const { alice, bob, chat } = await pair()
    await typing(alice, chat)
    const frame = await bob.waitFor('message:typing', isFrom(alice))
    expect(frame.data).toEqual({ chatId: chat.id, userId: alice.userId })
    expect(frame.cursor).toBeUndefined()
  })

  test('ends when it is said, and by itself after three seconds', async () => {
    const { alice, bob, chat } = await pair()
    await typing(alice, chat)
    await bob.waitFor('message:typing', isFrom(alice))
    await typing(alice, chat, 'message:stop_typing')
    await bob.waitFor('message:stop_typing', isFrom(alice))
    const from = bob.frames.length
    await typing(alice, chat)
    await bob.waitFor('message:typing', isFrom(alice), { from })
    await bob.waitFor('message:stop_typing', isFrom(alice), { from, timeoutMs: 6_000 })
  })

  test('does not come back to the one who types', async () => {
    const { alice, bob, chat } = await pair()
    await typing(alice, chat)
    await bob.waitFor('message:typing', isFrom(alice))
    await bob.send(chat.id, 'fence')
    await alice.waitForText('fence')
    expect(alice.eventsOf('message:typing')).toEqual([])
  })

  test('in a chat of others is refused', async () => {
    const { chat } = await pair()
    const mallory = await world.phone('mallory')
    await expect(typing(mallory, chat)).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' })
  })

  test('of a blocked one does not reach the blocker', async () => {
    const { alice, bob, chat } = await pair()
    await bob.client.post(`/api/users/${alice.userId}/block`, {})
    await typing(alice, chat)
    const notes = await bob.directWith(bob)
    await bob.post(notes.id, 'fence')
    await bob.waitForText('fence')
    expect(bob.eventsOf('message:typing')).toEqual([])
  })
})

describe('presence', () => {
  test('a subscriber sees somebody come and go, over two nodes', async () => {
    const { alice, bob } = await pair()
    await watch(alice, bob)
    await bob.offline()
    const gone = await alice.waitFor('user:offline', isFrom(bob))
    expect(gone.cursor).toBeUndefined()
    const from = alice.frames.length
    await bob.online()
    await alice.waitFor('user:online', isFrom(bob), { from })
    const profile = (): Promise<User> => alice.client.get<User>(`/api/users/${bob.userId}`)
    await until('the profile says online', async () => (await profile()).isOnline)
  })

  test('one device going does not make a person offline while another is there', async () => {
    const { alice, bob } = await pair()
    const tablet = await bob.another()
    await watch(alice, bob)
    const from = alice.frames.length
    await tablet.offline()
    await typing(bob, await bob.directWith(alice))
    await alice.waitFor('message:typing', isFrom(bob), { from })
    expect(alice.eventsOf('user:offline', from).filter(isFrom(bob))).toEqual([])
    const profile = await alice.client.get<User>(`/api/users/${bob.userId}`)
    expect(profile.isOnline).toBe(true)
  })

  test('who shows it to nobody is neither online nor seen', async () => {
    const { alice, bob, chat } = await pair()
    await bob.client.put('/api/users/me/privacy', { online: 'nobody', lastSeen: 'nobody' })
    await watch(alice, bob)
    const from = alice.frames.length
    await bob.offline()
    await bob.online()
    await bob.send(chat.id, 'fence')
    await alice.waitForText('fence', { from })
    expect(alice.eventsOf('user:online', from).filter(isFrom(bob))).toEqual([])
    expect(alice.eventsOf('user:offline', from).filter(isFrom(bob))).toEqual([])
    expect(await alice.client.get(`/api/users/${bob.userId}`)).toMatchObject({
      isOnline: null,
      lastSeen: null,
    })
  })

  test('more than five hundred at once is refused', async () => {
    const { alice } = await pair()
    const userIds = Array.from(
      { length: 501 },
      (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    )
    await expect(alice.socket.request('presence:subscribe', { userIds })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    })
  })
})
