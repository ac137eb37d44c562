import { afterEach, expect, test, vi } from 'vitest'
import type { Message } from '../src/client/model.ts'
import { expectConverged } from './support/convergence.ts'
import type { Phone } from './support/phone.ts'
import { until } from './support/until.ts'
import { startWorld, type World } from './support/world.ts'

vi.setConfig({ testTimeout: 300_000 })

let world: World
afterEach(async () => {
  await world?.close()
})

/** Eight people on two nodes, so that they live on all members of the cluster. */
async function crowd(): Promise<{ people: Phone[]; chatId: string }> {
  world = await startWorld({ nodes: 2, redis: 'cluster' })
  const people = await Promise.all(Array.from({ length: 8 }, (_, i) => world.phone(`p${i}`, { node: i % 2 })))
  const [first, ...others] = people
  if (!first) throw new Error('nobody')
  const chat = await first.groupWith(others)
  return { people, chatId: chat.id }
}

const sendAll = (people: Phone[], chatId: string, tag: string): Promise<Message[]> =>
  Promise.all(
    people.flatMap((phone) =>
      Array.from({ length: 5 }, (_, i) => phone.send(chatId, `${tag}-${phone.name}-${i}`)),
    ),
  )

async function expectAll(people: Phone[], chatId: string, accepted: Message[]): Promise<void> {
  const ids = accepted.map((message) => message.id).toSorted()
  for (const phone of people)
    await until(
      `${phone.name} has all ${ids.length}`,
      () => {
        const here = new Set(phone.store.messages(chatId).map((message) => message.id))
        return ids.every((id) => here.has(id))
      },
      { timeoutMs: 20_000 },
    )
  await expectConverged(...people)
}

test('in a Redis Cluster everything reaches everybody, before and after it lost everything', async () => {
  const { people, chatId } = await crowd()
  const before = await sendAll(people, chatId, 'before')
  await expectAll(people, chatId, before)
  await world.redisCluster.flush()
  const after = await sendAll(people, chatId, 'after')
  await expectAll(people, chatId, [...before, ...after])
  for (const phone of people) expect((await phone.chat(chatId)).unreadCount).toBe(70)
})

test('a member of the cluster dies: sends are acknowledged and arrive, and after it is back as before', async () => {
  const { people, chatId } = await crowd()
  const before = await sendAll(people, chatId, 'before')
  await expectAll(people, chatId, before)
  const [member] = world.redisCluster.members
  await member?.kill()
  const during = await sendAll(people, chatId, 'during')
  await expectAll(people, chatId, [...before, ...during])
  await member?.restart()
  await world.redisCluster.settled()
  const after = await sendAll(people, chatId, 'after')
  await expectAll(people, chatId, [...before, ...during, ...after])
})
