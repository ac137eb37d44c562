import { request } from 'node:http'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { expectConverged } from './support/convergence.ts'
import { openPathDoor, type PathDoor } from './support/path-door.ts'
import { Phone } from './support/phone.ts'
import type { ServerNode } from './support/server-node.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// A node counts as alive for thirty seconds after its last word.
vi.setConfig({ testTimeout: 90_000 })

const METRICS_TOKEN = 'a token for those who watch'

type Listed = { id: string; roles: string[]; version: string; sockets: number; startedAt: string }

let world: World
let door: PathDoor
let api: ServerNode
let realtime: ServerNode
let worker: ServerNode
let alice: Phone
let bob: Phone

beforeAll(async () => {
  world = await startWorld({ roles: ['api', 'realtime', 'worker'], env: { METRICS_TOKEN } })
  ;[api, realtime, worker] = [world.node(0), world.node(1), world.node(2)]
  door = await openPathDoor(api, realtime)
  ;[alice, bob] = await Promise.all([Phone.register(door.url, 'alice'), Phone.register(door.url, 'bob')])
})
afterAll(async () => {
  await Promise.all([alice?.offline(), bob?.offline()])
  door?.close()
  await world?.close()
})

const watch = (node: ServerNode, path: string): Promise<Response> =>
  fetch(`${node.url}${path}`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })

const sockets = (listed: Listed[]): number | undefined =>
  listed.find(({ roles }) => roles.includes('realtime'))?.sockets

async function nodesSeenBy(node: ServerNode): Promise<Listed[]> {
  const { nodes } = (await (await watch(node, '/readyz')).json()) as { nodes: Listed[] }
  return nodes
}

const rolesSeenBy = async (node: ServerNode): Promise<string[]> =>
  (await nodesSeenBy(node)).flatMap(({ roles }) => roles).toSorted((a, b) => a.localeCompare(b))

const untilSeen = (node: ServerNode, roles: string[], timeoutMs: number): Promise<boolean> =>
  until(`the nodes are ${roles.join()}`, async () => (await rolesSeenBy(node)).join() === roles.join(), {
    timeoutMs,
  })

/** The status and body of an upgrade that is refused. */
function upgrade(
  node: ServerNode,
): Promise<{ status: number; text: string; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.from('sixteen bytes ok').toString('base64'),
    }
    const asked = request({ host: '127.0.0.1', port: node.port, path: '/ws', headers })
    asked.once('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Error('the socket was taken'))
    })
    asked.once('response', (answer) => {
      let text = ''
      answer.on('data', (chunk) => (text += String(chunk)))
      const { statusCode = 0, headers: given } = answer
      answer.once('end', () => resolve({ status: statusCode, text, retryAfter: given['retry-after'] }))
    })
    asked.once('error', reject)
    asked.end()
  })
}

test('a conversation goes through a node for requests and a node for sockets', async () => {
  const chat = await alice.directWith(bob)
  await alice.send(chat.id, 'over the socket')
  await bob.waitForText('over the socket')
  await bob.post(chat.id, 'over REST')
  await alice.waitForText('over REST')
  await expectConverged(alice, bob)
})

test('a node without api refuses requests in the envelope, and still says how it is', async () => {
  for (const node of [realtime, worker]) {
    for (const path of ['/api/chats', '/api/auth/login', '/docs', '/openapi.json', '/nothing']) {
      const response = await fetch(`${node.url}${path}`)
      const body = (await response.json()) as { success: boolean; error: { code: string } }
      expect([path, response.status, body.error.code]).toEqual([path, 503, 'SERVICE_UNAVAILABLE'])
      expect(body.success).toBe(false)
      expect(response.headers.get('retry-after')).toBe('1')
    }
    expect((await fetch(`${node.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${node.url}/readyz`)).status).toBe(200)
    expect((await watch(node, '/metrics')).status).toBe(200)
  }
})

test('a node without realtime takes no sockets', async () => {
  for (const node of [api, worker]) {
    const { status, text, retryAfter } = await upgrade(node)
    expect([status, retryAfter]).toEqual([503, '1'])
    expect(JSON.parse(text)).toMatchObject({ success: false, error: { code: 'SERVICE_UNAVAILABLE' } })
  }
})

test('only a worker sweeps', async () => {
  const mongo = await MongoClient.connect(world.env['MONGODB_URL'] ?? '')
  try {
    const positions = mongo.db().collection('sweep_positions')
    await until('the worker has swept', () => positions.findOne({}))
    await worker.term()
    await positions.deleteMany({})
    // Two sweeps of the others would have come by then.
    await new Promise((resolve) => setTimeout(resolve, 8_000))
    expect(await positions.findOne({})).toBeNull()
    await worker.start()
    await until('the worker has swept again', () => positions.findOne({}))
  } finally {
    await mongo.close()
  }
})

test('the list of nodes has roles, versions and sockets, and outlives a flush', async () => {
  const all = ['api', 'realtime', 'worker']
  for (const node of [api, realtime, worker]) await untilSeen(node, all, 12_000)

  await until('the sockets are counted', async () => sockets(await nodesSeenBy(api)) === 2)
  for (const { id, version, startedAt } of await nodesSeenBy(api)) {
    expect([id.length > 0, version]).toEqual([true, '0.1.0'])
    expect(Date.parse(startedAt)).toBeLessThan(Date.now())
  }
  const redis = new Redis(world.redis.url)
  await redis.flushall()
  await until('each has said again that it lives', async () => (await redis.hlen('nodes')) === 3)
  redis.disconnect()
  await untilSeen(api, all, 12_000)
  expect(await (await watch(api, '/metrics')).text()).toMatch(/^parley_nodes 3$/m)
  // Nobody who may not watch gets to know them.
  expect(await (await fetch(`${api.url}/readyz`)).json()).not.toHaveProperty('nodes')
})

test('a node that stops is off the list at once, one that is killed within half a minute', async () => {
  await worker.term()
  await untilSeen(api, ['api', 'realtime'], 7_000)
  await worker.start()
  await untilSeen(api, ['api', 'realtime', 'worker'], 12_000)
  await worker.kill9()
  await untilSeen(api, ['api', 'realtime'], 36_000)
  expect(await (await watch(api, '/metrics')).text()).toMatch(/^parley_nodes 2$/m)
})
