// Everything that people do, each with its record of what was asked and what came of it.
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '../../../src/client/api-error.ts'
import type { Marks, Message } from '../../../src/client/model.ts'
import type { Act, Play } from '../history/operation.ts'
import { addDevice, type Person, type Room } from './cast.ts'
import type { Device, Stage } from './device.ts'
import { post, tryToken } from './requests.ts'

/** What is known of an own message that was acknowledged. */
type Own = { roomId: string; room: string; clientId: string; content: string; id: string; seq: number }

const OWN_KEPT = 200
/** Requests under way besides messages; beyond, an outage would pile them up. */
const UNDER_WAY_MAX = 30
const AWAY_MS = [1_000, 15_000] as const
const EMOJI = ['👍', '❤️', '😂', '🎉', '😮']
/** A revoked token is tried until then: five seconds are allowed. */
const REVOKED_WITHIN_MS = 5_000
const FILLER = 'so we said what people say to each other all day long, '

export class Acts {
  readonly #stage: Stage
  readonly #own = new Map<Device, Own[]>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #busy = new Set<string>()
  readonly #blocked = new Set<string>()
  #texts = 0

  constructor(stage: Stage) {
    this.#stage = stage
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Everything that is under way has come to its end; after the run's end that is soon. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  send(device: Device, room: Room): void {
    const content = this.#text('m')
    const clientId = device.nextId()
    const send = async (): Promise<void> => {
      const message = await device.send(room.id, content, clientId)
      if (message !== null) this.#remember(device, room, clientId, content, message)
    }
    void send()
  }

  edit(device: Device): void {
    const own = this.#pickOwn(device)
    if (own === null) return
    const value = this.#text('e')
    const path = `/api/chats/${own.roomId}/messages/${own.id}`
    this.#act(device, { what: 'edit', chat: own.room, seq: own.seq, value }, `${own.room} ${own.seq}`, () =>
      device.client.patch(path, { content: value }),
    )
  }

  remove(device: Device): void {
    const own = this.#pickOwn(device)
    if (own === null) return
    const path = `/api/chats/${own.roomId}/messages/${own.id}`
    this.#act(device, { what: 'delete', chat: own.room, seq: own.seq }, `${own.room} ${own.seq}`, () =>
      device.client.delete(path, { forEveryone: true }),
    )
  }

  react(device: Device, room: Room): void {
    const held = device.memory.chats.get(room.id)?.messages
    const seq = this.#stage.random.between(1, Math.max(1, held?.size ?? 1))
    const message = held?.get(seq)
    if (message === undefined || message.type !== 'text' || message.isDeleted === true) return
    const value = this.#stage.random.pick(EMOJI)
    const path = `/api/chats/${room.id}/messages/${message.id}/reactions`
    this.#act(
      device,
      { what: 'react', chat: room.name, seq, value },
      `${device.person} ${room.name} ${seq}`,
      () => device.client.post(path, { emoji: value }),
    )
  }

  read(device: Device, room: Room): void {
    if (!device.isUp) return
    const held = device.memory.chats.get(room.id)?.messages.size ?? 0
    const upTo = held - this.#stage.random.between(0, 3)
    if (upTo < 1) return
    const seq = upTo
    this.#act(device, { what: 'read', chat: room.name, seq }, '', async () =>
      device.isUp
        ? await device.ask<Marks>('message:read', { chatId: room.id, upTo })
        : await device.client.post(`/api/chats/${room.id}/read`, { upTo }),
    )
  }

  /** The same message at once through two doors. */
  twice(device: Device, room: Room): void {
    const content = this.#text('m')
    const clientId = device.nextId()
    this.#sent(device, room.name, clientId, content, 'twice')
    for (const turn of [0, 1]) {
      this.#track(post(this.#stage, device, room, { clientId, content }, 'twice', turn))
    }
  }

  /** One that was acknowledged some time ago, again. */
  late(device: Device): void {
    const own = this.#pickOwn(device)
    if (own === null) return
    const { clientId, content } = own
    this.#sent(device, own.room, clientId, content, 'late')
    this.#track(
      post(this.#stage, device, { id: own.roomId, name: own.room }, { clientId, content }, 'late', 1),
    )
  }

  /** Another message under an id that was used. */
  other(device: Device): void {
    const own = this.#pickOwn(device)
    if (own === null) return
    const content = this.#text('x')
    const { clientId } = own
    this.#sent(device, own.room, clientId, content, 'other')
    this.#track(
      post(this.#stage, device, { id: own.roomId, name: own.room }, { clientId, content }, 'other', 1),
    )
  }

  /** Somebody is removed, leaves, or is there again. */
  changeMembership(room: Room): void {
    const { random } = this.#stage
    if (room.type === 'direct') return
    const whom = random.pick(room.all)
    const [device] = room.owner.devices
    if (whom === room.owner || device === undefined) return
    const key = `${room.name} ${whom.name}`
    const path = `/api/chats/${room.id}/participants`
    if (!room.present.has(whom)) {
      const done = (): void => void room.present.add(whom)
      const add = (): Promise<unknown> => device.client.post(path, { userIds: [whom.userId] })
      this.#act(device, { what: 'add', chat: room.name, whom: whom.name }, key, add, done)
      return
    }
    if (room.present.size <= 2) return
    const leaver = random.next() < 0.3 ? whom.devices[0] : device
    if (leaver === undefined || this.#busy.has(key)) return
    room.present.delete(whom)
    this.#act(leaver, { what: 'remove', chat: room.name, whom: whom.name }, key, () =>
      leaver.client.delete(`${path}/${whom.userId}`),
    )
  }

  changeBlock(room: Room): void {
    const [by, whom] = room.all
    const [device] = by?.devices ?? []
    if (!room.hasBlocks || device === undefined || whom === undefined || this.#busy.has(room.name)) return
    const isBlocked = this.#blocked.has(room.name)
    const path = `/api/users/${whom.userId}/block`
    const what = isBlocked ? 'unblock' : 'block'
    const done = (): void => {
      if (isBlocked) this.#blocked.delete(room.name)
      else this.#blocked.add(room.name)
    }
    const ask = (): Promise<unknown> => (isBlocked ? device.client.delete(path) : device.client.post(path))
    this.#act(device, { what, chat: room.name, whom: whom.name }, room.name, ask, done)
  }

  goAway(device: Device): void {
    if (!device.isOnline || device.isOut) return
    const ms = this.#stage.random.between(...AWAY_MS)
    this.#track(
      (async () => {
        await device.goOffline()
        await sleep(ms, null, { signal: this.#stage.ended.signal }).catch(() => {})
        device.goOnline()
      })(),
    )
  }

  /** One device of somebody ends the session of the other, which is signed in anew a while later. */
  revoke(person: Person): void {
    const [device, ended] = person.devices
    if (device === undefined || ended === undefined || !ended.isUp || device.isOut) return
    const token = ended.client.tokens?.accessToken ?? ''
    const key = `sessions of ${person.name}`
    const refused = async (): Promise<void> => {
      await sleep(REVOKED_WITHIN_MS, null, { signal: this.#stage.ended.signal }).catch(() => {})
      await Promise.all(this.#stage.doors.map((_, door) => tryToken(this.#stage, ended, door, token)))
    }
    this.#act(device, { what: 'revoke', chat: '', whom: ended.name }, key, async () => {
      const sessions = await device.client.all<{ id: string; device: { name: string } }>('/api/auth/sessions')
      const session = sessions.find((one) => one.device.name === ended.name)
      if (session === undefined) return
      await device.client.delete(`/api/auth/sessions/${session.id}`)
      this.#track(refused())
    })
  }

  /** A device whose session is gone goes for good, and the person signs in on a new one. */
  async replace(person: Person, gone: Device): Promise<void> {
    const [base = '', number = '1'] = gone.name.split('-')
    await gone.goOffline()
    const device = await addDevice(this.#stage, person, `${base}-${Number(number) + 1}`)
    person.devices.splice(person.devices.indexOf(gone), 1)
    // The new one takes the old one's place, so that whose first device is who stays.
    person.devices.splice(person.devices.indexOf(device), 1)
    if (gone.name.includes('.a')) person.devices.unshift(device)
    else person.devices.push(device)
    device.enter()
  }

  #sent(device: Device, chat: string, clientId: string, content: string, play: Play): void {
    const { history } = this.#stage
    history.record({ kind: 'sent', at: history.now(), device: device.name, chat, clientId, content, play })
  }

  #act(
    device: Device,
    act: Pick<Act, 'what' | 'chat'> & Partial<Pick<Act, 'seq' | 'whom' | 'value'>>,
    key: string,
    ask: () => Promise<unknown>,
    done: () => void = () => {},
  ): void {
    if (this.#underWay.size > UNDER_WAY_MAX || (key !== '' && this.#busy.has(key))) return
    if (key !== '') this.#busy.add(key)
    const { history } = this.#stage
    const at = history.now()
    const run = async (): Promise<void> => {
      let tries = 0
      let [outcome, code, seq]: [Act['outcome'], string | null, number | null] = [
        'unknown',
        null,
        act.seq ?? null,
      ]
      try {
        const answer = await device.persist(async () => {
          tries += 1
          return { data: await ask() }
        })
        // Without an answer when the run ends, it may still have had its effect: that, too, is recorded.
        if (answer !== null) {
          outcome = 'acked'
          const place = (answer.data as { seq?: number | null } | undefined)?.seq
          if (seq === null && typeof place === 'number') seq = place
          done()
        }
      } catch (err) {
        // An earlier attempt without an answer may have had its effect.
        if (err instanceof ApiError) [outcome, code] = [tries === 1 ? 'refused' : 'unknown', err.code]
      } finally {
        this.#busy.delete(key)
      }
      const { what, chat, whom = null, value = null } = act
      const until = history.now()
      history.record({
        kind: 'act',
        what,
        at,
        until,
        device: device.name,
        chat,
        outcome,
        seq,
        whom,
        value,
        code,
      })
    }
    this.#track(run())
  }

  #track(task: Promise<void>): void {
    const tracked = task.catch(() => {}).finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
  }

  #remember(device: Device, room: Room, clientId: string, content: string, { id, seq }: Message): void {
    const owns = this.#own.get(device) ?? []
    if (owns.length >= OWN_KEPT) owns.shift()
    owns.push({ roomId: room.id, room: room.name, clientId, content, id, seq })
    this.#own.set(device, owns)
  }

  #pickOwn(device: Device): Own | null {
    const owns = this.#own.get(device) ?? []
    return owns.length === 0 ? null : this.#stage.random.pick(owns)
  }

  #text(letter: string): string {
    this.#texts += 1
    return `${letter}${this.#texts} ${FILLER.slice(0, this.#texts % FILLER.length)}`.trim()
  }
}
