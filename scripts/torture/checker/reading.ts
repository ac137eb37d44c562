// A history and the truth side by side, indexed once for all invariants.
import type {
  Acked,
  Act,
  Counted,
  Fault,
  Held,
  Operation,
  Received,
  Refused,
  Sent,
} from '../history/operation.ts'
import { Allowance } from './allowance.ts'
import type { Truth, TruthChat, TruthMember, TruthMessage } from './truth.ts'

/** One message that somebody sent, with all that was answered. */
export type Send = {
  chat: string
  device: string
  userId: string
  clientId: string
  content: string
  at: number
  isPlain: boolean
  acks: Acked[]
  refusals: Refused[]
}

export type Connection = { from: number; readyAt: number; isReset: boolean; to: number }

export type ChatReading = {
  name: string
  type: string
  truth: TruthChat | null
  bySeq: Map<number, TruthMessage>
  byKey: Map<string, TruthMessage>
  members: Map<string, TruthMember>
}

type Of<K extends Operation['kind']> = Extract<Operation, { kind: K }>

export class Reading {
  readonly allowance: Allowance
  readonly chats = new Map<string, ChatReading>()
  readonly sends = new Map<string, Send>()
  readonly others: Array<{ sent: Sent; answers: Array<Acked | Refused> }> = []
  readonly acts: Act[] = []
  readonly counted: Counted[] = []
  readonly held: Held[] = []
  readonly received: Received[] = []
  readonly receipts: Of<'receipt'>[] = []
  readonly tokens: Of<'token'>[] = []
  readonly slow = new Map<string, Fault[]>()
  readonly connections = new Map<string, Connection[]>()
  readonly devicesOf = new Map<string, string[]>()
  readonly hiding = new Set<string>()
  readonly truth: Truth
  end = 0
  readonly #userOf = new Map<string, string>()
  readonly #personOf = new Map<string, string>()
  readonly #nameOf = new Map<string, string>()
  readonly #byOther = new Map<string, { sent: Sent; answers: Array<Acked | Refused> }>()

  constructor(operations: readonly Operation[], truth: Truth) {
    this.truth = truth
    const faults: Fault[] = []
    for (const op of operations) {
      this.end = Math.max(this.end, op.at)
      if (op.kind === 'fault') faults.push(op)
      else this.#take(op)
    }
    this.allowance = new Allowance(faults)
  }

  /** The user who holds a device. */
  userOf(device: string): string {
    return this.#userOf.get(device) ?? ''
  }

  userNamed(person: string): string {
    return this.#personOf.get(person) ?? person
  }

  nameOf(userId: string): string {
    return this.#nameOf.get(userId) ?? userId
  }

  member(chat: string, userId: string): TruthMember | undefined {
    return this.chats.get(chat)?.members.get(userId)
  }

  /** The message of a send as it is stored. */
  stored(send: Pick<Send, 'chat' | 'userId' | 'clientId'>): TruthMessage | undefined {
    return this.chats.get(send.chat)?.byKey.get(keyOf(send.userId, send.clientId))
  }

  #take(op: Exclude<Operation, Fault>): void {
    switch (op.kind) {
      case 'person':
        this.#personOf.set(op.person, op.userId)
        this.#nameOf.set(op.userId, op.person)
        if (op.hidesReceipts) this.hiding.add(op.userId)
        return
      case 'device':
        this.#addDevice(op.device, this.userNamed(op.person))
        return
      case 'chat':
        this.#addChat(op)
        return
      case 'sent':
        this.#addSent(op)
        return
      case 'acked':
      case 'refused':
        this.#addAnswer(op)
        return
      case 'connected':
        push(this.connections, op.device, { from: op.at, readyAt: Infinity, isReset: op.reset, to: Infinity })
        return
      case 'ready': {
        const connection = this.connections.get(op.device)?.at(-1)
        if (connection !== undefined) connection.readyAt = Math.min(connection.readyAt, op.at)
        return
      }
      case 'disconnected': {
        const connection = this.connections.get(op.device)?.at(-1)
        if (connection !== undefined) connection.to = Math.min(connection.to, op.at)
        return
      }
      case 'slow':
        push(this.slow, op.device, {
          kind: 'fault',
          name: `${op.device} reads nothing`,
          at: op.at,
          until: op.until,
          healedAt: op.until,
          concerns: 'client',
        })
        return
      case 'received':
        this.received.push(op)
        return
      case 'receipt':
        this.receipts.push(op)
        return
      case 'act':
        this.acts.push(op)
        return
      case 'counted':
        this.counted.push(op)
        return
      case 'held':
        this.held.push(op)
        return
      case 'token':
        this.tokens.push(op)
        return
      case 'note':
        return
      default:
        op satisfies never
    }
  }

  #addDevice(device: string, userId: string): void {
    this.#userOf.set(device, userId)
    push(this.devicesOf, userId, device)
  }

  #addChat({ chat: name, type, people }: Of<'chat'>): void {
    const pair = String(people.map((person) => this.userNamed(person)).sort())
    const truth = this.truth.chats.find((one) =>
      type === 'direct'
        ? one.type === 'direct' && String(one.participants.toSorted()) === pair
        : one.name === name,
    )
    const messages = truth?.messages ?? []
    this.chats.set(name, {
      name,
      type,
      truth: truth ?? null,
      bySeq: new Map(messages.map((message) => [message.seq, message])),
      // Of two under one key the first is the one: it is last in this order.
      byKey: new Map(
        messages
          .toReversed()
          .flatMap((message) =>
            message.clientId === null ? [] : [[keyOf(message.senderId, message.clientId), message] as const],
          ),
      ),
      members: new Map((truth?.members ?? []).map((member) => [member.userId, member])),
    })
  }

  #addSent(op: Sent): void {
    const key = `${op.device} ${op.clientId}`
    if (op.play === 'other') {
      const other = { sent: op, answers: [] }
      this.others.push(other)
      this.#byOther.set(key, other)
      return
    }
    if (this.sends.has(key)) return
    const { chat, device, clientId, content, at } = op
    const userId = this.userOf(device)
    const isPlain = op.play === 'plain'
    this.sends.set(key, { chat, device, userId, clientId, content, at, isPlain, acks: [], refusals: [] })
  }

  #addAnswer(op: Acked | Refused): void {
    const key = `${op.device} ${op.clientId}`
    if (op.play === 'other') this.#byOther.get(key)?.answers.push(op)
    else if (op.kind === 'acked') this.sends.get(key)?.acks.push(op)
    else this.sends.get(key)?.refusals.push(op)
  }
}

export const keyOf = (userId: string, clientId: string): string => `${userId} ${clientId}`

export const sees = (member: TruthMember | undefined, seq: number): boolean =>
  member?.visible.some(({ from, to }) => seq >= from && (to === null || seq <= to)) === true

/** Whether an operation brought the message itself, not only word of it. */
export const bringsMessage = ({ event }: Received): boolean =>
  event === 'message:received' || event === 'fetched' || event === 'message:edited'

export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) push(groups, keyOf(item), item)
  return groups
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
