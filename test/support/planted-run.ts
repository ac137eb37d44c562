// A run that never happened: a correct history with its truth, drawn from a seed, into which a test plants one bug.
import type { Operation, Play } from '../../scripts/torture/history/operation.ts'
import { seeded, type Random } from '../../scripts/torture/random.ts'
import type { Truth, TruthChat, TruthMember, TruthMessage } from '../../scripts/torture/checker/truth.ts'

export type Placing = {
  clientId?: string
  /** The ack's delay; null where there is none. */
  ackAfterMs?: number | null
  /** A place too far, as a lost counter would leave it. */
  skip?: number
  isBlockIgnored?: boolean
  refusedWith?: string
}

const DEVICES: Record<string, string[]> = {
  ann: ['ann.a', 'ann.b'],
  ben: ['ben.a'],
  cat: ['cat.a'],
  dan: ['dan.a'],
  eve: ['eve.a'],
}
const CHATS = [
  { name: 'ann+ben', type: 'direct', people: ['ann', 'ben'] },
  { name: 'ann+eve', type: 'direct', people: ['ann', 'eve'] },
  { name: 'group 1', type: 'group', people: ['ann', 'ben', 'cat', 'dan'] },
] as const

export class PlantedRun {
  readonly operations: Operation[] = []
  readonly truth: Truth
  now = 0
  readonly random: Random
  readonly #chats = new Map<string, TruthChat>()
  #number = 0
  #isBlocked = false

  constructor(seed: number) {
    this.random = seeded(seed)
    for (const person of Object.keys(DEVICES)) {
      this.operations.push({
        kind: 'person',
        at: 0,
        person,
        userId: `id-${person}`,
        hidesReceipts: person === 'eve',
      })
    }
    for (const { name, type, people } of CHATS) {
      this.operations.push({ kind: 'chat', at: 0, chat: name, type, people: [...people] })
      this.#chats.set(name, {
        type,
        name: type === 'group' ? name : null,
        participants: people.map((person) => `id-${person}`),
        members: people.map((person) => ({
          userId: `id-${person}`,
          isActive: true,
          visible: [{ from: 1, to: null }],
          readSeq: 0,
          deliveredSeq: 0,
        })),
        messages: [],
      })
    }
    this.truth = { chats: [...this.#chats.values()], blocks: [] }
    for (const [person, devices] of Object.entries(DEVICES)) {
      for (const device of devices) {
        this.operations.push({ kind: 'device', at: 0, device, person })
        this.operations.push({ kind: 'connected', at: 0, device, door: 0, reset: true })
        this.operations.push({ kind: 'ready', at: 1, device })
      }
    }
  }

  chat(name: string): TruthChat {
    const chat = this.#chats.get(name)
    if (chat === undefined) throw new Error(`there is no ${name}`)
    return chat
  }

  head(name: string): number {
    return this.chat(name).messages.at(-1)?.seq ?? 0
  }

  wait(ms: number): void {
    this.now += ms
  }

  /** Sends and stores a message, answers it, and brings it to everyone. */
  place(chatName: string, device: string, placing: Placing = {}): TruthMessage {
    this.#number += 1
    const clientId = placing.clientId ?? `${device}.${this.#number}`
    const content = `text ${this.#number}`
    const person = device.split('.')[0] ?? ''
    if (placing.clientId === undefined) this.#sent(device, chatName, clientId, content, 'plain')
    const message = this.#store(chatName, person, { clientId, content, ...placing })
    this.now += 15
    const answer = { at: this.now, device, chat: chatName, clientId, play: 'plain' as const }
    const { ackAfterMs = 0, refusedWith } = placing
    if (refusedWith !== undefined) {
      this.operations.push({
        kind: 'refused',
        ...answer,
        since: this.now - 15,
        code: refusedWith,
        retryable: false,
      })
    } else if (ackAfterMs !== null && placing.clientId === undefined) {
      this.operations.push({ kind: 'acked', ...answer, seq: message.seq, id: idOf(chatName, message.seq) })
    }
    this.bring(chatName, message, device)
    this.wait(this.random.between(50, 300))
    return message
  }

  /** The same again, long after: answered with the first. */
  repeat(chatName: string, device: string, { clientId, content, seq }: TruthMessage): void {
    this.#sent(device, chatName, clientId ?? '', content ?? '', 'late')
    const base = { device, chat: chatName, clientId: clientId ?? '', play: 'late' as const }
    this.operations.push({ kind: 'acked', at: this.now + 9, ...base, seq, id: idOf(chatName, seq) })
    this.wait(50)
  }

  /** Another body under a used id. */
  contradict(chatName: string, device: string, { clientId }: TruthMessage): void {
    this.#sent(device, chatName, clientId ?? '', 'something else', 'other')
    const base = { device, chat: chatName, clientId: clientId ?? '', play: 'other' as const }
    const refusal = { since: this.now, code: 'CONFLICT', retryable: false }
    this.operations.push({ kind: 'refused', at: this.now + 9, ...base, ...refusal })
    this.wait(50)
  }

  /** A message that nobody may write while there is no majority: refused, sent again, stored later. */
  refuseAndPlace(chatName: string, device: string, afterMs: number): void {
    this.#number += 1
    const [clientId, content] = [`${device}.${this.#number}`, `text ${this.#number}`]
    this.#sent(device, chatName, clientId, content, 'plain')
    const base = { device, chat: chatName, clientId, play: 'plain' as const }
    const since = this.now
    this.wait(3_000)
    const code = 'SERVICE_UNAVAILABLE'
    this.operations.push({ kind: 'refused', at: this.now, ...base, since, code, retryable: true })
    this.wait(afterMs)
    const message = this.#store(chatName, device.split('.')[0] ?? '', { clientId, content })
    this.operations.push({
      kind: 'acked',
      at: this.now,
      ...base,
      seq: message.seq,
      id: idOf(chatName, message.seq),
    })
    this.bring(chatName, message, device)
    this.wait(50)
  }

  bring(chatName: string, message: TruthMessage, except: string): void {
    for (const member of this.chat(chatName).members) {
      if (!isIn(member, message.seq)) continue
      for (const device of DEVICES[member.userId.slice(3)] ?? []) {
        if (device !== except) this.arrive(chatName, device, message)
      }
    }
  }

  arrive(chatName: string, device: string, message: TruthMessage): void {
    this.operations.push({
      kind: 'received',
      at: this.now + this.random.between(1, 9),
      device,
      chat: chatName,
      event: 'message:received',
      seq: message.seq,
      rev: message.rev,
      id: idOf(chatName, message.seq),
      live: true,
      isVoid: message.voidFor.includes(`id-${device.split('.')[0]}`),
    })
  }

  read(chatName: string, device: string): void {
    const person = device.split('.')[0] ?? ''
    const member = this.member(chatName, person)
    const upTo = this.head(chatName)
    if (upTo === 0 || !isIn(member, upTo)) return
    this.act({ what: 'read', device, chat: chatName, seq: upTo })
    if (upTo <= member.readSeq) return
    member.readSeq = upTo
    member.deliveredSeq = Math.max(member.deliveredSeq, upTo)
    if (chatName !== 'ann+ben') return
    const [other] = person === 'ann' ? ['ben'] : ['ann']
    for (const told of [...(DEVICES[other ?? ''] ?? []), ...(DEVICES[person] ?? [])]) {
      this.operations.push({
        kind: 'receipt',
        at: this.now + 5,
        device: told,
        chat: chatName,
        person,
        mark: 'read',
        upTo,
      })
    }
  }

  block(on: boolean): void {
    this.#isBlocked = on
    this.act({ what: on ? 'block' : 'unblock', device: 'ann.a', chat: 'ann+ben', whom: 'ben' })
    this.truth.blocks.splice(0)
    this.truth.blocks.push({ blockerId: 'id-ann', blockedId: 'id-ben', isActive: on })
    this.wait(6_000)
  }

  remove(person: string): void {
    const note = this.#store('group 1', 'ann', { clientId: null, content: null })
    this.wait(10)
    this.bring('group 1', note, '')
    const member = this.member('group 1', person)
    member.isActive = false
    const last = member.visible.at(-1)
    if (last !== undefined) last.to = note.seq
    this.act({ what: 'remove', device: 'ann.a', chat: 'group 1', whom: person, seq: note.seq })
  }

  add(person: string): void {
    const member = this.member('group 1', person)
    member.isActive = true
    member.visible.push({ from: this.head('group 1') + 1, to: null })
    const note = this.#store('group 1', 'ann', { clientId: null, content: null })
    this.wait(10)
    this.bring('group 1', note, '')
    this.act({ what: 'add', device: 'ann.a', chat: 'group 1', whom: person, seq: note.seq })
  }

  member(chatName: string, person: string): TruthMember {
    const member = this.chat(chatName).members.find(({ userId }) => userId === `id-${person}`)
    if (member === undefined) throw new Error(`${person} was never in ${chatName}`)
    return member
  }

  act(
    act: Partial<Extract<Operation, { kind: 'act' }>> & { what: Extract<Operation, { kind: 'act' }>['what'] },
  ): void {
    const at = this.now
    this.wait(20)
    const whole = {
      device: 'ann.a',
      chat: '',
      outcome: 'acked' as const,
      seq: null,
      whom: null,
      value: null,
      code: null,
    }
    this.operations.push({ kind: 'act', ...whole, at, until: this.now, ...act })
  }

  fault(name: string, concerns: 'redis' | 'mongo', during: () => void): void {
    const at = this.now
    during()
    this.operations.push({ kind: 'fault', name, at, until: this.now, healedAt: this.now + 900, concerns })
    this.wait(20_000)
  }

  /** The second device of ann is signed out; its connection ends and its token with it. */
  revoke(): void {
    this.act({ what: 'revoke', device: 'ann.a', chat: '', whom: 'ann.b' })
    this.operations.push({ kind: 'disconnected', at: this.now + 30, device: 'ann.b', code: 4409 })
    this.wait(6_000)
    this.operations.push({ kind: 'token', at: this.now, device: 'ann.b', door: 1, status: 401 })
  }

  /** Everybody comes to rest, and what everybody holds is written down. */
  finish(): void {
    this.wait(60_000)
    for (const { name } of CHATS) {
      for (const member of this.chat(name).members) {
        const [first = '', ...more] = DEVICES[member.userId.slice(3)] ?? []
        this.#count(name, first, member)
        this.#hold(name, first, member, 'fresh')
        for (const device of [first, ...more])
          if (device !== 'ann.b') this.#hold(name, device, member, 'device')
      }
    }
  }

  #sent(device: string, chat: string, clientId: string, content: string, play: Play): void {
    this.operations.push({ kind: 'sent', at: this.now, device, chat, clientId, content, play })
  }

  #store(
    chatName: string,
    person: string,
    {
      clientId,
      content,
      skip = 0,
      isBlockIgnored = false,
    }: Omit<Placing, 'clientId'> & { clientId: string | null; content: string | null },
  ): TruthMessage {
    const chat = this.chat(chatName)
    const seq = this.head(chatName) + 1 + skip
    const isVoid = this.#isBlocked && chatName === 'ann+ben' && person === 'ben' && !isBlockIgnored
    const message: TruthMessage = {
      seq,
      rev: seq,
      firstRev: seq,
      senderId: `id-${person}`,
      clientId,
      type: clientId === null ? 'system' : 'text',
      content,
      isDeleted: false,
      edits: [],
      reactions: [],
      voidFor: isVoid ? ['id-ann'] : [],
    }
    chat.messages.push(message)
    return message
  }

  #count(chatName: string, device: string, member: TruthMember): void {
    const visible = this.chat(chatName).messages.filter(({ seq }) => isIn(member, seq))
    const unread = visible.filter(
      ({ seq, senderId, type, isDeleted, voidFor }) =>
        seq > member.readSeq &&
        senderId !== member.userId &&
        type !== 'system' &&
        !isDeleted &&
        !voidFor.includes(member.userId),
    )
    const { readSeq, deliveredSeq } = member
    const numbers = { lastSeq: visible.at(-1)?.seq ?? 0, readSeq, deliveredSeq, unread: unread.length }
    this.operations.push({ kind: 'counted', at: this.now, device, chat: chatName, from: 'list', ...numbers })
  }

  #hold(chatName: string, device: string, member: TruthMember, by: 'device' | 'fresh'): void {
    const visible = this.chat(chatName).messages.filter(({ seq }) => isIn(member, seq))
    this.operations.push({
      kind: 'held',
      at: this.now,
      device,
      chat: chatName,
      by,
      seqs: visible.map(({ seq }) => seq),
      states: visible.map(({ content }) => content ?? ''),
      people: this.chat(chatName)
        .members.filter(({ isActive }) => isActive)
        .map(({ userId }) => userId),
      oddities: [],
    })
  }
}

export const idOf = (chat: string, seq: number): string => `msg ${chat} ${seq}`

const isIn = ({ visible }: TruthMember, seq: number): boolean =>
  visible.some(({ from, to }) => seq >= from && (to === null || seq <= to))
