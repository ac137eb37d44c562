// Moments of rest: everything outstanding is done, everyone is connected; then the server's numbers are written down,
// and at the end also all that each device holds beside what a fresh one would fetch.
import { setTimeout as sleep } from 'node:timers/promises'
import { catchUpAll } from '../../../src/client/catch-up.ts'
import type { Chat, Marks } from '../../../src/client/model.ts'
import type { Replica } from '../../../src/client/replica.ts'
import type { Counted, Held } from '../history/operation.ts'
import type { Person } from './cast.ts'
import type { Device, Stage } from './device.ts'
import { Memory } from './memory.ts'
import { stateOf } from './state.ts'

const LOOK_MS = 100
/** Nothing may still be under way when the numbers are taken; the last events and marks get this long. */
const CALM_MS = 2_000
/** Devices that do not hold what they should get this long, all together, before that counts. */
const CONVERGED_WITHIN_MS = 15_000
const AT_ONCE = 4

type Numbers = Chat & { deliveredSeq?: number }

/** Resolves once nothing is outstanding; false where that took too long. */
export async function comeToRest(
  people: Person[],
  underWay: () => number,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  const isQuiet = (): boolean =>
    underWay() === 0 &&
    people.every(({ devices }) =>
      devices.every(
        (device) => device.isReady && device.isOnline && !device.isOut && device.outbox.size === 0,
      ),
    )
  while (!isQuiet()) {
    if (performance.now() > deadline) return false
    await sleep(LOOK_MS)
  }
  await sleep(CALM_MS)
  return isQuiet()
}

/** The numbers of every chat of every person, from the list and from the socket. */
export async function countAll(stage: Stage, people: Person[]): Promise<void> {
  await inTurns(people, async ({ devices }) => {
    const [first] = devices
    if (first === undefined) return
    const chats = (await first.persist(() => first.client.all<Numbers>('/api/chats', { limit: 100 }))) ?? []
    for (const chat of chats) count(stage, first, chat, 'list')
    const device = devices.at(-1) ?? first
    const some = chats.filter((chat) => chat.myRole !== null && chat.readSeq > 0).slice(0, 3)
    for (const chat of some) {
      // A mark that is there already: the answer tells the count and moves nothing.
      const marks = await device
        .ask<Marks>('message:read', { chatId: chat.id, upTo: chat.readSeq })
        .catch(() => null)
      if (marks !== null) count(stage, device, { ...chat, ...marks }, 'read')
    }
  })
}

/** What everybody holds at the end, after a time in which it may become what it should be. */
export async function recordHeld(stage: Stage, people: Person[]): Promise<void> {
  const deadline = performance.now() + CONVERGED_WITHIN_MS
  await inTurns(people, async ({ devices }) => {
    const [first] = devices
    if (first === undefined) return
    let fresh = await freshOf(stage, first)
    while (!devices.every((device) => isEqual(device.memory, fresh)) && performance.now() < deadline) {
      await sleep(1_000)
      fresh = await freshOf(stage, first)
    }
    for (const [chatId] of fresh.chats) {
      record(stage, first, fresh, chatId, 'fresh')
      for (const device of devices) record(stage, device, device.memory, chatId, 'device')
    }
  })
}

async function freshOf(stage: Stage, device: Device): Promise<Replica> {
  // Recorded like a device of its own, so that it, too, must not be shown what is not for it.
  const replica = new Memory(`${device.name} afresh`, { now: () => 0, record: () => {} }, stage.names)
  replica.signedInAs(device.memory.userId)
  await device.persist(() => catchUpAll(device.client, replica))
  return replica
}

function count(stage: Stage, device: Device, chat: Numbers, from: Counted['from']): void {
  const { history, names } = stage
  const { lastSeq, readSeq, deliveredSeq = readSeq, unreadCount: unread } = chat
  const numbers = { lastSeq, readSeq, deliveredSeq, unread }
  const at = history.now()
  history.record({ kind: 'counted', at, device: device.name, chat: names.chat(chat.id), from, ...numbers })
}

function record(stage: Stage, device: Device, held: Replica, chatId: string, by: Held['by']): void {
  const { history, names } = stage
  const copy = held.chats.get(chatId)
  const messages = copy?.inOrder() ?? []
  history.record({
    kind: 'held',
    at: history.now(),
    device: device.name,
    chat: names.chat(chatId),
    by,
    seqs: messages.map((message) => message.seq),
    states: messages.map(stateOf),
    people: peopleOf(held, chatId),
    oddities: [...(copy?.oddities ?? [])],
  })
}

function peopleOf(held: Replica, chatId: string): string[] | null {
  const chat = held.chats.get(chatId)?.chat
  return chat?.myRole === null ? null : (chat?.participants?.map(({ userId }) => userId).sort() ?? null)
}

function isEqual(held: Replica, fresh: Replica): boolean {
  for (const [chatId, copy] of fresh.chats) {
    if (copy.chat?.myRole === null) continue
    const mine = held.chats.get(chatId)
    if (mine === undefined || mine.messages.size !== copy.messages.size) return false
    for (const [seq, message] of copy.messages) {
      const own = mine.messages.get(seq)
      if (own !== message && (own === undefined || stateOf(own) !== stateOf(message))) return false
    }
    if (String(peopleOf(held, chatId)) !== String(peopleOf(fresh, chatId))) return false
  }
  return true
}

async function inTurns(people: Person[], work: (person: Person) => Promise<void>): Promise<void> {
  const waiting = [...people]
  const worker = async (): Promise<void> => {
    for (let person = waiting.shift(); person !== undefined; person = waiting.shift()) await work(person)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
