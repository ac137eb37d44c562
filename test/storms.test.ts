import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { RawClient } from '../scripts/bench/connections/raw-client.ts'
import { castPeople } from '../scripts/bench/stage/people.ts'
import { RawSocket } from './support/raw-socket.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// Thousands of sockets on whatever machine runs this: it is counted what becomes of them, not how fast.
vi.setConfig({ testTimeout: 240_000 })

const CROWD = 2_000
/** What a node lets in at once before it refuses (docs/limits.md). */
const ROOM = 2_000

let world: World
let tokens: string[]

beforeAll(async () => {
  world = await startWorld()
  const { DATABASE_URL = '', JWT_PRIVATE_KEYS = '' } = world.env
  const cast = await castPeople(DATABASE_URL, JWT_PRIVATE_KEYS, CROWD, () => {})
  tokens = (await cast.people(CROWD)).map(({ token }) => token)
})
afterAll(async () => {
  await world?.close()
})

/** A device that comes in, and comes again when it is told to. */
class Device {
  isIn = false
  refusals = 0
  #client: RawClient | null = null
  #cursor: string | null = null
  readonly #token: string

  constructor(token: string) {
    this.#token = token
  }

  enter(): void {
    const client: RawClient = new RawClient(
      { url: new URL(world.url), token: this.#token, cursor: this.#cursor },
      {
        ready: (cursor) => {
          this.#cursor = cursor
          this.isIn = true
        },
        ended: (hintMs) => {
          if (this.#client !== client) return
          this.isIn = false
          this.refusals += 1
          setTimeout(() => this.enter(), hintMs ?? 500)
        },
      },
    )
    this.#client = client
  }

  /** As a lost network does. */
  cut(): void {
    const client = this.#client
    this.#client = null
    this.isIn = false
    client?.cut()
  }
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${world.url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

test('a crowd signs in at once, is cut at once and comes back; those who are in are served all the while', async () => {
  const [alice, bob] = await world.phones('alice', 'bob')
  const chat = await alice.directWith(bob)
  const links = [alice.socket.link, bob.socket.link]
  const talk = { going: true, said: 0 }
  const talking = (async () => {
    for (; talk.going; talk.said += 1) {
      await alice.send(chat.id, `word ${talk.said}`)
      await bob.waitForText(`word ${talk.said}`, { timeoutMs: 20_000 })
    }
  })()

  const crowd = tokens.map((token) => new Device(token))
  const allIn = async (): Promise<void> => {
    await until('all of them are in', () => crowd.every((device) => device.isIn), { timeoutMs: 100_000 })
  }
  for (const device of crowd) device.enter()
  await allIn()
  await until('the node counts them', async () => (await metric('parley_sockets_open')) === CROWD + 2)
  const saidBefore = talk.said

  for (const device of crowd) device.cut()
  for (const device of crowd) device.enter()
  await allIn()
  await until('the node counts each once', async () => (await metric('parley_sockets_open')) === CROWD + 2, {
    timeoutMs: 20_000,
  })
  talk.going = false
  await talking
  expect(talk.said).toBeGreaterThan(saidBefore)
  // Neither of the two was thrown out to make room.
  expect([alice.socket.link, bob.socket.link]).toEqual(links)

  for (const device of crowd) device.cut()
  await until('the node has let them go', async () => (await metric('parley_sockets_open')) === 2, {
    timeoutMs: 20_000,
  })
  await Promise.all([alice.offline(), bob.offline()])
})

test('the room for those who have not signed in is bounded: more are told when to come, and it is given back', async () => {
  const [alice] = await world.phones('alice')
  const link = alice.socket.link
  // Somebody who opens sockets and says nothing, faster than their time to sign in runs out.
  const strangers = Array.from({ length: ROOM + 200 }, () => new Stranger(world.url))
  try {
    await until('each has its answer', () => strangers.every(({ answer }) => answer !== ''), {
      timeoutMs: 60_000,
    })
    const refusals = strangers.filter(({ answer }) => !answer.startsWith('HTTP/1.1 101'))
    expect(refusals.length).toBeGreaterThan(0)
    for (const { answer } of refusals)
      expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*^Retry-After: [1-9]\r$[^]*"SERVICE_UNAVAILABLE"/m)
    // Whoever is signed in notices nothing.
    expect(await alice.client.get<unknown[]>('/api/chats')).toEqual([])
    expect(alice.socket.link).toBe(link)
  } finally {
    for (const stranger of strangers) stranger.close()
  }
  await until('there is room again', async () => {
    const socket = await RawSocket.open(world.url)
    if (typeof socket === 'number') return false
    socket.close()
    return true
  })
})

/** An upgrade without a token, and what was answered to it. */
class Stranger {
  answer = ''
  readonly #socket: Socket

  constructor(url: string) {
    this.#socket = connect(Number(new URL(url).port), '127.0.0.1')
    this.#socket.on('data', (bytes) => {
      this.answer += bytes.toString('latin1')
    })
    this.#socket.on('error', () => {})
    this.#socket.write(
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Key: cGFybGV5LWJlbmNoLWtleQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    )
  }

  close(): void {
    this.#socket.destroy()
  }
}
