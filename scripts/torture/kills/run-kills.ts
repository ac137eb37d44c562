// kill -9 of a node at a random instant around a send, many times over. What was acknowledged is there and arrives
// without any help; what was not is sent again with the same id; either way it is there exactly once.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiError } from '../../../src/client/api-error.ts'
import { Link } from '../../../src/client/link.ts'
import type { Message } from '../../../src/client/model.ts'
import { entryOf } from '../entry.ts'
import type { Options } from '../options.ts'
import { type Random, seeded } from '../random.ts'
import type { Report, Say } from '../report.ts'
import type { ServerNode } from '../world/node.ts'
import { World } from '../world/world.ts'
import { type Cast, makeCast, makeQuietChat, type Sender } from './cast.ts'
import { Spares } from './spares.ts'

const AROUND_MS = 30
const WARM_UP_SENDS = 8
const DELIVERED_WITHIN_MS = 10_000
const RETRY_FOR_MS = 20_000
const TELL_EVERY = 20

type Kill = {
  number: number
  chatId: string
  sender: Sender
  clientMessageId: string
  isAcked: boolean
  afterMs: number
}

/** Kills as many nodes as asked for, and judges each send. */
export async function runKills(
  options: Options,
  folder: string,
  signal: AbortSignal,
  say: Say,
): Promise<Omit<Report, 'kept'>> {
  const { nodes, mongo, seed, kills } = options
  const random = seeded(seed)
  const entry = await entryOf(options.build, folder)
  say('starting the stores and the nodes')
  const world = await World.start({ folder, nodes, mongoMembers: mongo, entry, log: say })
  const spares = new Spares(world, kills)
  const counts = { kills: 0, acked: 0, unacked: 0, correct: 0 }
  const counterexamples: string[] = []
  const startedAt = performance.now()
  const seconds = (): number => Math.round((performance.now() - startedAt) / 1000)
  try {
    const cast = await makeCast(world)
    const judging: Promise<void>[] = []
    const judge = async (kill: Kill): Promise<void> => {
      const complaint = await complaintAbout(kill, cast)
      if (complaint === null) counts.correct += 1
      else
        counterexamples.push(
          `kill ${kill.number}, ${kill.afterMs.toFixed(1)} ms after the send: ${complaint}`,
        )
    }
    while (counts.kills < kills && !signal.aborted) {
      const victim = await spares.take()
      const sender = random.pick(cast.senders)
      const kill = await killAroundSend(victim, sender, await makeQuietChat(sender, cast.listeners), random)
      counts.kills += 1
      counts[kill.isAcked ? 'acked' : 'unacked'] += 1
      judging.push(judge({ ...kill, sender, number: counts.kills }))
      if (counts.kills % TELL_EVERY === 0) {
        const rest = Math.round((seconds() / counts.kills) * (kills - counts.kills))
        say(
          `${counts.kills} of ${kills} kills, ${counts.acked} after the ack, ${counterexamples.length} wrong, ${rest} s left`,
        )
      }
    }
    await Promise.all(judging)
    await cast.stop()
  } finally {
    await spares.stop()
    await world.stop()
  }
  const title = `kill -9 around a send: ${counts.correct} of ${counts.kills} correct`
  const ok = counterexamples.length === 0
  return {
    seed,
    nodes,
    mongo,
    seconds: seconds(),
    ok,
    counts,
    faults: { count: counts.kills, kinds: 1, struck: [] },
    verdicts: [{ invariant: 1, title, ok, checked: counts.kills, counterexamples }],
    troubles: [],
  }
}

async function killAroundSend(
  victim: ServerNode,
  { client, warmChatId }: Sender,
  chatId: string,
  random: Random,
): Promise<Omit<Kill, 'number' | 'sender'>> {
  const token = await client.accessToken()
  const { link } = await Link.open({ url: victim.url, token, onFrame: () => {} })
  // A node that has just started takes long for its first sends, and would always die before an answer.
  let ackMs = 0
  for (let i = 0; i < WARM_UP_SENDS; i += 1) {
    const at = performance.now()
    await link.request('message:send', { chatId: warmChatId, clientMessageId: randomUUID(), content: 'warm' })
    ackMs = performance.now() - at
  }
  const clientMessageId = randomUUID()
  // On a machine that is slow just now, too, about half of the answers come before the kill.
  const afterMs = random.next() * Math.max(AROUND_MS, 2 * ackMs)
  const sent = link.request<Message>('message:send', { chatId, clientMessageId, content: 'around a kill' })
  const answered = sent.then(
    () => true,
    () => false,
  )
  // The answer may be on its way when the node dies, and counts all the same.
  await pause(afterMs)
  await victim.kill()
  const isAcked = await answered
  link.terminate()
  return { chatId, clientMessageId, isAcked, afterMs }
}

async function complaintAbout(kill: Kill, cast: Cast): Promise<string | null> {
  const { chatId, sender, clientMessageId, isAcked } = kill
  const path = `/api/chats/${chatId}/messages`
  if (!isAcked) {
    const body = { clientMessageId, content: 'around a kill' }
    const repeated = await insist(() => sender.client.post<Message>(path, body))
    if (repeated === null) return 'was not acknowledged, and could not be repeated'
  }
  const deadline = performance.now() + DELIVERED_WITHIN_MS
  const isHeard = (): boolean => cast.listeners.every(({ heard }) => heard.has(clientMessageId))
  while (!isHeard() && performance.now() < deadline) await pause(50)
  const word = isAcked ? 'acknowledged' : 'repeated'
  if (!isHeard()) return `${word}, but not delivered to all within ${DELIVERED_WITHIN_MS / 1000} s`
  // Only now, so that no reading of the chat can have brought the message through.
  for (const { client, heard } of cast.listeners) {
    const times = heard.get(clientMessageId) ?? 0
    if (times !== 1) return `${word}, and pushed ${times} times to one device`
    const found = await insist(() => client.get<Message[]>(path, { after: 0, limit: 50 }))
    const copies = found?.filter((message) => message.clientMessageId === clientMessageId).length ?? 0
    if (copies !== 1) return `${word}, and there ${copies} times`
    if (found?.some(({ seq }, i) => seq !== i + 1))
      return `${word}, and the chat's seqs are ${found.map(({ seq }) => seq).join()}`
  }
  return null
}

async function insist<T>(ask: () => Promise<T>): Promise<T | null> {
  const deadline = performance.now() + RETRY_FOR_MS
  while (performance.now() < deadline) {
    try {
      return await ask()
    } catch (err) {
      if (err instanceof ApiError && !err.retryable) return null
      await pause(200)
    }
  }
  return null
}
