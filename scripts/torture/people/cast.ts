// The people of a run and their chats, made through the public doors.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chat } from '../../../src/client/model.ts'
import { signInAgain, signUp } from '../../../src/client/sign-up.ts'
import { Device, type Stage } from './device.ts'

export type Person = {
  name: string
  userId: string
  phoneNumber: string
  hidesReceipts: boolean
  devices: Device[]
}

export type Room = {
  id: string
  name: string
  type: 'direct' | 'group' | 'broadcast'
  /** Stays for the whole run, and adds and removes the others. */
  owner: Person
  all: Person[]
  /** Who is in it, as far as the owner knows. */
  present: Set<Person>
  /** Its share of the load. */
  weight: number
  /** Whether the second of the two is blocked and unblocked by the first now and then. */
  hasBlocks: boolean
}

export type Cast = { people: Person[]; rooms: Room[] }

const GROUP_SIZES = [3, 3, 4, 5, 8, 16]
const BROADCAST_SIZE = 10
const WEIGHT = { direct: 4, small: 4, large: 1 }
const SMALL = 5
/** One person in so many has two devices; one in so many hides receipts; one direct chat in so many has blocks. */
const [TWO_DEVICES, HIDING, BLOCKING] = [2, 8, 4]
const AT_ONCE = 6
const TRIES = 20

export async function makeCast(stage: Stage, count: number): Promise<Cast> {
  const people = await inParallel(count, (i) => retried(() => makePerson(stage, i)))
  const rooms = [
    ...(await makeDirects(stage, people)),
    ...(await inParallel(GROUP_SIZES.length, (i) =>
      makeGroup(stage, people, GROUP_SIZES[i] ?? 3, `group ${i + 1}`),
    )),
    await makeRoom(stage, 'broadcast', 'broadcast 1', drawn(stage, people, BROADCAST_SIZE), WEIGHT.large),
  ]
  return { people, rooms }
}

/** One more device of somebody who has an account. */
export async function addDevice(
  stage: Stage,
  person: Person,
  name: string,
  isPinnedTo?: number,
): Promise<Device> {
  const door = isPinnedTo ?? stage.random.between(0, stage.doors.length - 1)
  const device = new Device(stage, person.name, name, door, { isPinned: isPinnedTo !== undefined })
  await signInAgain(device.client, person.phoneNumber, { name, platform: 'other' })
  person.devices.push(device)
  return device
}

/** Somebody new with one device. */
export async function addPerson(
  stage: Stage,
  name: string,
  hidesReceipts: boolean,
  pinnedTo?: number,
): Promise<Person> {
  const { history, names } = stage
  const door = pinnedTo ?? stage.random.between(0, stage.doors.length - 1)
  const device = new Device(stage, name, `${name}.a`, door, { isPinned: pinnedTo !== undefined })
  const { user } = await signUp(device.client, name, { name: device.name, platform: 'other' })
  names.people.set(user.id, name)
  if (hidesReceipts) await device.client.put('/api/users/me/privacy', { readReceipts: false })
  history.record({ kind: 'person', at: history.now(), person: name, userId: user.id, hidesReceipts })
  return { name, userId: user.id, phoneNumber: user.phoneNumber, hidesReceipts, devices: [device] }
}

export async function makeRoom(
  stage: Stage,
  type: Room['type'],
  name: string,
  all: Person[],
  weight: number,
): Promise<Room> {
  const [owner, ...others] = all
  if (owner === undefined) throw new Error('a chat needs people')
  const participantIds = others.map((person) => person.userId)
  const body = type === 'direct' ? { type, participantIds } : { type, participantIds, name }
  const [device] = owner.devices
  const { id } = await retried(async () => await (device as Device).client.post<Chat>('/api/chats', body))
  const { history, names } = stage
  names.chats.set(id, name)
  history.record({
    kind: 'chat',
    at: history.now(),
    chat: name,
    type,
    people: all.map((person) => person.name),
  })
  return { id, name, type, owner, all, present: new Set(all), weight, hasBlocks: false }
}

async function makePerson(stage: Stage, i: number): Promise<Person> {
  const name = `p${String(i + 1).padStart(2, '0')}`
  const person = await addPerson(stage, name, i % HIDING === HIDING - 1)
  if (i % TWO_DEVICES === 0) await addDevice(stage, person, `${name}.b`)
  return person
}

/** Everybody with his neighbour, and some with somebody far off. */
async function makeDirects(stage: Stage, people: Person[]): Promise<Room[]> {
  const half = Math.floor(people.length / 2)
  const pairs = Array.from({ length: half }, (_, i) => [people[2 * i], people[2 * i + 1]])
  for (let i = 0; i < half; i += 2) pairs.push([people[i], people[i + half]])
  return await inParallel(pairs.length, async (i) => {
    const pair = (pairs[i] ?? []).filter((person) => person !== undefined)
    const name = pair.map((person) => person.name).join('+')
    const room = await makeRoom(stage, 'direct', name, pair, WEIGHT.direct)
    return { ...room, hasBlocks: i % BLOCKING === BLOCKING - 1 }
  })
}

async function makeGroup(stage: Stage, people: Person[], size: number, name: string): Promise<Room> {
  const weight = size <= SMALL ? WEIGHT.small : WEIGHT.large
  return await makeRoom(stage, 'group', name, drawn(stage, people, size), weight)
}

function drawn(stage: Stage, people: Person[], size: number): Person[] {
  return stage.random.shuffle(people).slice(0, Math.min(size, people.length))
}

/** Making the cast is no part of what is judged: it is tried until it works. */
async function retried<T>(make: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await make()
    } catch (err) {
      if (tries === TRIES) throw err
      await sleep(200)
    }
  }
}

async function inParallel<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const results = Array.from<T>({ length: count })
  let next = 0
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) results[i] = await make(i)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}
