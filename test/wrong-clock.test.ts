import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { MongoClient } from 'mongodb'
import type { Message } from '../src/client/model.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Each test starts nodes anew and waits for the sweep.
vi.setConfig({ testTimeout: 90_000 })

const TEN_MINUTES = 10 * 60_000

let world: World
let link: RedisLink | null = null
afterEach(async () => {
  await world?.close()
  link?.close()
  link = null
})

type RedisLink = { url: string; swallow(): void; close(): void }

/** A way to the world's Redis on which, from some moment on, everything is lost and nothing breaks. */
async function redisLink(): Promise<RedisLink> {
  let swallows = false
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(world.redis.port, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => to.destroy())
      from.on('data', (bytes) => {
        if (!swallows) to.write(bytes)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    swallow: () => {
      swallows = true
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Alice at a node whose clock is wrong and whose way to Redis can be cut, Bob at another. */
async function across(offMs: number): Promise<{ alice: Phone; bob: Phone; chatId: string }> {
  world = await startWorld({ nodes: 2 })
  link = await redisLink()
  await world.node(0).kill9()
  await world.node(0).start({
    NODE_OPTIONS: '--import ./test/support/wrong-clock.mjs',
    CLOCK_OFF_MS: String(offMs),
    REDIS_URL: link.url,
  })
  const [alice, bob] = await Promise.all([world.phone('alice'), world.phone('bob', { node: 1 })])
  const chat = await alice.directWith(bob)
  return { alice, bob, chatId: chat.id }
}

describe.each([
  ['ahead', TEN_MINUTES],
  ['behind', -TEN_MINUTES],
])('a node whose clock is ten minutes %s', (_, offMs) => {
  test('stamps the time that all nodes agree on, and lets nobody edit for longer', async () => {
    const { alice, bob, chatId } = await across(offMs)
    const sent = await alice.send(chatId, 'what time is it')
    expect(Math.abs(Date.parse(sent.createdAt) - Date.now())).toBeLessThan(5_000)
    const path = `/api/chats/${chatId}/messages/${sent.id}`
    const edited = await alice.client.patch<Message>(path, { content: 'what time is it now' })
    expect(Math.abs(Date.parse(edited.editedAt ?? '') - Date.now())).toBeLessThan(5_000)
    await bob.waitForText('what time is it')
  })

  test('dies between commit and push: the other node tells the message and the edit', async () => {
    const { alice, bob, chatId } = await across(offMs)
    const first = await alice.send(chatId, 'told')
    await bob.waitForText('told')
    link?.swallow()
    const path = `/api/chats/${chatId}/messages/${first.id}`
    await alice.client.patch(path, { content: 'edited and not told' })
    await alice.send(chatId, 'stored and not told')
    await world.node(0).kill9()
    await bob.waitForText('stored and not told', { timeoutMs: 10_000 })
    await bob.waitFor('message:edited', ({ data }) => data.message?.content === 'edited and not told', {
      timeoutMs: 10_000,
    })
  })
})

test('what the last node left untold is told by the next one, hours later', async () => {
  const { alice, bob, chatId } = await across(0)
  await alice.send(chatId, 'told')
  await bob.waitForText('told')
  const { mongo, close } = await openMongo()
  const positions = mongo.collection('sweep_positions')
  await until('the sweep has kept its position', async () => (await positions.countDocuments()) === 1, {
    timeoutMs: 10_000,
  })
  link?.swallow()
  await world.node(1).kill9()
  await alice.send(chatId, 'before the night')
  await world.node(0).kill9()
  await mongo.collection('messages').updateMany({}, nineHoursBack('createdAt'))
  await positions.updateMany({}, nineHoursBack('upTo'))
  await close()
  await world.node(1).start()
  await bob.waitForText('before the night', { timeoutMs: 15_000 })
})

async function openMongo() {
  const client = await MongoClient.connect(world.env['MONGODB_URL'] ?? '')
  return { mongo: client.db(), close: () => client.close() }
}

const nineHoursBack = (field: string) => [
  { $set: { [field]: { $dateSubtract: { startDate: `$${field}`, unit: 'hour', amount: 9 } } } },
]
