// Whether everything works right now: a message through one door, and how long until it is acknowledged and until it
// is at a device behind each door. Two people for that alone, with a device each that stays behind its door.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from './device.ts'
import { addDevice, addPerson, makeRoom, type Person, type Room } from './cast.ts'

export type Probe = {
  /** Null where it did not happen in time. */
  ackMs: number | null
  /** One for each door. */
  deliveredMs: Array<number | null>
}

const LOOK_MS = 10

export class Prober {
  readonly people: [Person, Person]
  readonly #stage: Stage
  readonly #room: Room

  private constructor(stage: Stage, people: [Person, Person], room: Room) {
    this.#stage = stage
    this.people = people
    this.#room = room
  }

  static async make(stage: Stage): Promise<Prober> {
    const [from, to] = [
      await addPerson(stage, 'prober', false, 0),
      await addPerson(stage, 'probed', false, 0),
    ]
    for (let door = 1; door < stage.doors.length; door += 1) {
      for (const person of [from, to]) await addDevice(stage, person, `${person.name}.${door}`, door)
    }
    const room = await makeRoom(stage, 'direct', 'prober+probed', [from, to], 0)
    for (const { devices } of [from, to]) for (const device of devices) device.enter()
    return new Prober(stage, [from, to], room)
  }

  async probe(door: number, timeoutMs: number): Promise<Probe> {
    const [from, to] = this.people
    const device = from.devices[door]
    if (device === undefined) throw new Error(`there is no door ${door}`)
    const startedAt = performance.now()
    const result: Probe = { ackMs: null, deliveredMs: to.devices.map(() => null) }
    let seq = Number.POSITIVE_INFINITY
    const roomId = this.#room.id
    const send = async (): Promise<void> => {
      const message = await device.send(roomId, `probe ${door}`, device.nextId())
      if (message === null) return
      result.ackMs = performance.now() - startedAt
      seq = message.seq
    }
    void send()
    const isDone = (): boolean => {
      to.devices.forEach((receiver, i) => {
        const isThere = receiver.isUp && receiver.memory.chats.get(roomId)?.messages.has(seq) === true
        if (isThere) result.deliveredMs[i] ??= performance.now() - startedAt
      })
      return result.ackMs !== null && result.deliveredMs.every((ms) => ms !== null)
    }
    const signal = this.#stage.ended.signal
    while (!isDone() && performance.now() - startedAt < timeoutMs && !signal.aborted) await sleep(LOOK_MS)
    return result
  }
}
