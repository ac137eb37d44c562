import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import { startWorld, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.close()
})

describe('a blocked sender', () => {
  test('is told nothing; the blocker gets a void on that place, also after unblocking', async () => {
    const [erin, troll] = await world.phones('erin', 'troll')
    const fresh = await erin.directWith(troll)
    await troll.send(fresh.id, 'nice')
    await erin.waitForText('nice')
    await erin.client.post(`/api/users/${troll.userId}/block`, {})
    const sent = await troll.send(fresh.id, 'nasty')
    expect(sent).toMatchObject({ status: 'sent', seq: 2, content: 'nasty' })
    await erin.send(fresh.id, 'still dense')
    const history = await erin.client.get<Message[]>(`/api/chats/${fresh.id}/messages`, { after: 0 })
    expect(history.map((message) => [message.seq, message.type])).toEqual([
      [1, 'text'],
      [2, 'void'],
      [3, 'text'],
    ])
    expect(history[1]).toMatchObject({ content: null, senderId: null, id: sent.id })
    expect((await erin.chat(fresh.id)).unreadCount).toBe(1)
    await erin.client.delete(`/api/users/${troll.userId}/block`)
    const after = await erin.client.get<Message[]>(`/api/chats/${fresh.id}/messages`, { after: 0 })
    expect(after[1]).toMatchObject({ type: 'void', content: null })
    expect(JSON.stringify(erin.frames)).not.toContain('nasty')
    expect((await troll.client.get<Message>(`/api/chats/${fresh.id}/messages/${sent.id}`)).status).toBe(
      'sent',
    )
  })

  test('blocking and unblocking twice is a success without effect', async () => {
    const [erin, troll] = await world.phones('erin', 'troll')
    const path = `/api/users/${troll.userId}/block`
    for (const method of ['POST', 'POST', 'DELETE', 'DELETE']) {
      const { status } = await erin.client.request(method, path)
      expect(status).toBeLessThan(300)
    }
    const chat = await erin.directWith(troll)
    await troll.send(chat.id, 'friends again')
    await erin.waitForText('friends again')
    await expectConverged(erin)
  })
})
