import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Message } from '../src/client/model.ts'
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

/** Two people on a node each. */
async function across(): Promise<{ alice: Phone; bob: Phone; chatId: string }> {
  world = await startWorld({ nodes: 2 })
  const [alice, bob] = await Promise.all([world.phone('alice'), world.phone('bob', { node: 1 })])
  const chat = await alice.directWith(bob)
  return { alice, bob, chatId: chat.id }
}

const sendMany = (phone: Phone, chatId: string, tag: string, count: number): Promise<Message[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => phone.send(chatId, `${tag}${i}`)))

const dense = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

const seqsOf = (phone: Phone, chatId: string): number[] =>
  phone.store.messages(chatId).map((message) => message.seq)

/** Everything accepted is there once, on dense places, each sender's in the order of sending. */
async function expectWhole(phones: Phone[], chatId: string, accepted: Message[]): Promise<void> {
  for (const phone of phones) {
    await until(
      `${phone.name} has all ${accepted.length}`,
      () => phone.store.messages(chatId).length === accepted.length,
      { timeoutMs: 20_000 },
    )
    expect(seqsOf(phone, chatId)).toEqual(dense(accepted.length))
  }
  await expectConverged(...phones)
  const [first] = phones
  const contents = first?.store.messages(chatId).map((message) => message.content ?? '') ?? []
  for (const tag of ['a', 'b']) {
    const own = contents.filter((content) => content.startsWith(tag))
    expect(own).toEqual(own.map((_, i) => `${tag}${i}`))
  }
}

describe('two nodes', () => {
  test('writing at once on both makes one dense order that everyone sees', async () => {
    const { alice, bob, chatId } = await across()
    const accepted = await Promise.all([sendMany(alice, chatId, 'a', 150), sendMany(bob, chatId, 'b', 150)])
    await expectWhole([alice, bob], chatId, accepted.flat())
    expect(alice.store.oddities()).toEqual([])
  })

  test('a message accepted here before another was sent there stands before it', async () => {
    const { alice, bob, chatId } = await across()
    const accepted: Message[] = []
    for (let i = 0; i < 25; i += 1) {
      accepted.push(await alice.send(chatId, `a${i}`))
      accepted.push(await bob.send(chatId, `b${i}`))
    }
    expect(accepted.map((message) => message.seq)).toEqual(dense(50))
    await expectWhole([alice, bob], chatId, accepted)
  })

  test('the same message sent on both nodes at once exists once', async () => {
    const { alice, bob, chatId } = await across()
    const body = { clientMessageId: 'the-same', content: 'once' }
    const token = await alice.client.accessToken()
    const sends = Array.from({ length: 10 }, (_, i) =>
      fetch(`${world.node(i % 2).url}/api/chats/${chatId}/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    )
    const statuses = (await Promise.all(sends)).map((response) => response.status)
    expect(statuses.toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 9 }, () => 200), 201])
    await bob.waitForText('once')
    expect(seqsOf(bob, chatId)).toEqual([1])
  })

  test('an ended session is out on the other node within five seconds', async () => {
    const { alice } = await across()
    const tablet = await alice.another({ url: world.node(1).url })
    await tablet.client.request('POST', '/api/auth/logout-all', { body: {} })
    await until('both sockets are closed', () => alice.socket.link === null && tablet.socket.link === null, {
      timeoutMs: 5_000,
    })
    const token = alice.client.tokens?.accessToken ?? ''
    for (const node of [0, 1]) {
      const response = await fetch(`${world.node(node).url}/api/users/me`, {
        headers: { authorization: `Bearer ${token}` },
      })
      expect(response.status).toBe(401)
    }
  })
})

describe('faults', () => {
  test('kill -9 of a node while both write: nothing accepted is lost, nothing is doubled', async () => {
    const { alice, bob, chatId } = await across()
    // The dead node's person goes to the node that lives, as behind a balancer.
    bob.socket.on('close', () => {
      bob.url = world.node(0).url
    })
    const fromAlice = sendMany(alice, chatId, 'a', 300)
    const fromBob = sendMany(bob, chatId, 'b', 300)
    await until('the conversation is under way', () => alice.received(chatId).length > 20)
    await world.node(1).kill9()
    const accepted = await Promise.all([fromAlice, fromBob])
    await expectWhole([alice, bob], chatId, accepted.flat())
  })

  test('kill -9 between commit and push: the other node delivers within ten seconds', async () => {
    const { alice, bob, chatId } = await across()
    const sends = Array.from({ length: 50 }, (_, i) => alice.send(chatId, `a${i}`))
    await Promise.race(sends)
    alice.url = world.node(1).url
    await world.node(0).kill9()
    const accepted = await Promise.all(sends)
    await expectWhole([alice, bob], chatId, accepted)
  })

  test('a stopped node that wakes up again adds nothing and loses nothing', async () => {
    const { alice, bob, chatId } = await across()
    const fromBob = sendMany(bob, chatId, 'b', 100)
    world.node(1).sigstop()
    const fromAlice = await sendMany(alice, chatId, 'a', 100)
    world.node(1).sigcont()
    const accepted = await Promise.all([Promise.resolve(fromAlice), fromBob])
    await expectWhole([alice, bob], chatId, accepted.flat())
  })

  test('Redis flushed in the middle of a conversation: everything still arrives, in order', async () => {
    const { alice, bob, chatId } = await across()
    const rounds: Promise<Message[]>[] = []
    let sentByAlice = 0
    for (let round = 0; round < 5; round += 1) {
      const start = sentByAlice
      sentByAlice += 20
      rounds.push(
        Promise.all(Array.from({ length: 20 }, (_, i) => alice.send(chatId, `a${start + i}`))),
        Promise.all(Array.from({ length: 20 }, (_, i) => bob.send(chatId, `b${start + i}`))),
      )
      await rounds.at(-1)
      await world.redis.flush()
    }
    const accepted = (await Promise.all(rounds)).flat()
    await expectWhole([alice, bob], chatId, accepted)
    expect((await bob.chat(chatId)).unreadCount).toBe(100)
  })

  test('a Redis that is killed and comes back empty: sends go on meanwhile, all arrive', async () => {
    const { alice, bob, chatId } = await across()
    const before = await sendMany(alice, chatId, 'a', 10)
    await world.redis.kill9()
    const during = await Promise.all(Array.from({ length: 10 }, (_, i) => alice.send(chatId, `a${10 + i}`)))
    await until('they cross nodes without Redis', () => bob.store.messages(chatId).length === 20, {
      timeoutMs: 12_000,
    })
    await world.redis.start()
    const after = await Promise.all(Array.from({ length: 10 }, (_, i) => alice.send(chatId, `a${20 + i}`)))
    await expectWhole([alice, bob], chatId, [...before, ...during, ...after])
  })
})
