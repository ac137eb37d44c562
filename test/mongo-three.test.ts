import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

// An election takes its ten seconds, and each test waits for one or two.
vi.setConfig({ testTimeout: 120_000 })

let world: World
let alice: Phone
let bob: Phone
let chatId: string

beforeAll(async () => {
  world = await startWorld({ mongo: 3, nodes: 2 })
  ;[alice, bob] = await Promise.all([world.phone('alice'), world.phone('bob', { node: 1 })])
})
afterAll(async () => {
  await world?.close()
})
afterEach(async () => {
  for (const member of world.mongo.members) {
    member.thaw()
    if (member.hasExited()) await member.restart()
  }
  await world.mongo.primary()
})

/** A chat for one test alone; it is known to be in order when the first message is through. */
async function freshChat(): Promise<void> {
  chatId = (await alice.groupWith([bob])).id
  await alice.send(chatId, 'first')
  await bob.waitForText('first', { timeoutMs: 20_000 })
}

/** Both have what was accepted, each message once, in the order of its places and without a hole. */
async function expectEachOnce(accepted: Message[]): Promise<void> {
  const ids = new Set(accepted.map((message) => message.id))
  expect(ids.size).toBe(accepted.length)
  for (const phone of [alice, bob]) {
    const stored = (): Message[] => phone.store.messages(chatId).filter((message) => message.type === 'text')
    await until(
      `${phone.name} has them all`,
      () => [...ids].every((id) => stored().some((m) => m.id === id)),
      {
        timeoutMs: 20_000,
      },
    )
    const contents = stored().map((message) => message.content)
    expect(new Set(contents).size).toBe(contents.length)
    const seqs = phone.store.messages(chatId).map((message) => message.seq)
    expect(seqs).toEqual(seqs.map((_, i) => i + 1))
  }
  await expectConverged(alice, bob)
}

/** Sends one after another from both sides until told to stop. */
function keepSending(): { stop: () => Promise<Message[]>; acks: number[] } {
  const state = { going: true }
  const acks: number[] = []
  const run = async (phone: Phone): Promise<Message[]> => {
    const accepted: Message[] = []
    for (let i = 0; state.going; i += 1) {
      accepted.push(await phone.send(chatId, `${phone.name} ${i}`))
      acks.push(performance.now())
      await sleep(5)
    }
    return accepted
  }
  const running = [run(alice), run(bob)]
  return {
    acks,
    stop: async () => {
      state.going = false
      return (await Promise.all(running)).flat()
    },
  }
}

test('kill -9 of the primary: sends are acknowledged again within 15 s, nothing is lost or doubled', async () => {
  await freshChat()
  const traffic = keepSending()
  await until('the conversation is under way', () => traffic.acks.length > 50)
  const killed = await world.mongo.primary()
  await killed.kill()
  const killedAt = performance.now()
  // The ones under way at the kill may still come in; a second later only a new primary answers.
  await until('sends are acknowledged again', () => traffic.acks.some((at) => at > killedAt + 1000), {
    timeoutMs: 15_000,
  })
  await expectEachOnce(await traffic.stop())
  // The dead one comes back with what it alone had written, and has to give it up.
  await killed.restart()
  const more = await Promise.all(Array.from({ length: 20 }, (_, i) => bob.send(chatId, `after ${i}`)))
  await expectEachOnce(more)
})

test('a step-down in the middle of a conversation loses and doubles nothing', async () => {
  await freshChat()
  const traffic = keepSending()
  await until('the conversation is under way', () => traffic.acks.length > 50)
  const before = await world.mongo.primary()
  await world.mongo.stepDown()
  const steppedDownAt = performance.now()
  expect((await world.mongo.primary()).name).not.toBe(before.name)
  await until('sends are acknowledged again', () => traffic.acks.some((at) => at > steppedDownAt + 200), {
    timeoutMs: 15_000,
  })
  await expectEachOnce(await traffic.stop())
})

test('both secondaries frozen: no send is acknowledged, each is refused retryably in 5 s and there once after', async () => {
  await freshChat()
  const bodies = Array.from({ length: 6 }, (_, i) => ({
    clientMessageId: `frozen-${i}`,
    content: `frozen ${i}`,
  }))
  const token = await alice.client.accessToken()
  const post = async (
    body: object,
    node: number,
  ): Promise<{ status: number; answer: Answer; ms: number }> => {
    const startedAt = performance.now()
    const response = await fetch(`${world.node(node).url}/api/chats/${chatId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const answer = (await response.json()) as Answer
    if (response.status === 503) expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
    return { status: response.status, answer, ms: performance.now() - startedAt }
  }

  const secondaries = await world.mongo.secondaries()
  for (const member of secondaries) member.freeze()
  const overSocket = { chatId, clientMessageId: 'frozen-socket', content: 'over the socket' }
  const refusal = bob.socket.link?.request('message:send', overSocket).then(
    () => null,
    (err: unknown) => err,
  )
  const refused = await Promise.all(bodies.map((body, i) => post(body, i % 2)))
  for (const { status, answer, ms } of refused) {
    expect([status, answer.error?.code]).toEqual([503, 'SERVICE_UNAVAILABLE'])
    expect(ms).toBeLessThan(5_000)
  }
  expect(await refusal).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true })

  for (const member of secondaries) member.thaw()
  const accepted = await Promise.all(
    bodies.map((body, i) =>
      until(
        'the repeat is accepted',
        async () => {
          const { status, answer } = await post(body, (i + 1) % 2)
          return status === 200 || status === 201 ? answer.data : null
        },
        { timeoutMs: 30_000 },
      ),
    ),
  )
  accepted.push(await bob.send(chatId, overSocket.content, overSocket))
  await expectEachOnce(accepted)
})

type Answer = { data?: Message; error?: { code: string } }
