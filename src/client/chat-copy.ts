// One chat as a client holds it: messages by place, how far they are complete, and what was odd.
import type { Chat, Frame, Interval, Message, MessageStatus } from './model.ts'

const RANK: Record<MessageStatus, number> = { sent: 0, delivered: 1, read: 2 }

export class ChatCopy {
  chat: Chat | null = null
  rev = 0
  readonly messages = new Map<number, Message>()
  readonly marks = new Map<string, { delivered: number; read: number }>()
  /** Broken promises of the server: two messages on one place, an event out of order. */
  readonly oddities: string[] = []
  #head = 0
  #missed = 0
  #top = 0
  #lastEventSeq = 0
  readonly #seqById = new Map<string, number>()
  readonly #seqByClientId = new Map<string, number>()

  /** Whether a visible place below the newest known message is still empty. */
  get hasGap(): boolean {
    this.#advance()
    return this.#head < this.#top
  }

  /** Whether a change is known of whose outcome is still to be fetched. */
  get isBehind(): boolean {
    return this.#missed > this.rev
  }

  byId(messageId: string): Message | null {
    const seq = this.#seqById.get(messageId)
    return seq === undefined ? null : (this.messages.get(seq) ?? null)
  }

  inOrder(): Message[] {
    return [...this.messages.values()].sort((a, b) => a.seq - b.seq)
  }

  putChat(chat: Chat): void {
    if (this.chat !== null && this.chat.rev > chat.rev) return
    // Lists and events leave these two out; what the single answer said stays good until the next one.
    const { participants, visible } = this.chat ?? {}
    this.chat = { ...(participants && { participants }), ...(visible && { visible }), ...chat }
  }

  put(message: Message): void {
    const known = this.messages.get(message.seq)
    if (known !== undefined && known.id !== message.id) {
      this.oddities.push(`seq ${message.seq} holds both ${known.id} and ${message.id}`)
      return
    }
    if (known !== undefined && known.rev > message.rev) return
    this.#checkOnce(message)
    const status = betterStatus(known?.status, message.status)
    this.messages.set(message.seq, status === message.status ? message : { ...message, status })
    this.#seqById.set(message.id, message.seq)
    this.#top = Math.max(this.#top, message.seq)
  }

  /** A message that came as an event: those of one chat must come in their order. */
  receive(message: Message): void {
    const isNew = !this.messages.has(message.seq)
    if (isNew && message.seq < this.#lastEventSeq) {
      this.oddities.push(`seq ${message.seq} came after ${this.#lastEventSeq}`)
    }
    this.#lastEventSeq = Math.max(this.#lastEventSeq, message.seq)
    this.put(message)
  }

  change(messageId: string, rev: number, fields: Partial<Message>): boolean {
    const known = this.byId(messageId)
    if (known === null) return false
    if (known.rev <= rev) this.messages.set(known.seq, { ...known, ...fields, rev })
    return true
  }

  /** A change whose outcome has to be fetched: the known position must not pass it before. */
  miss(rev: number): void {
    this.#missed = Math.max(this.#missed, rev)
  }

  /** Moves the known position on, unless something before it is still missing. */
  reach(rev: number): void {
    if (!this.hasGap && this.#missed <= this.rev) this.rev = Math.max(this.rev, rev)
  }

  mark(kind: 'delivered' | 'read', frame: Frame, me: string): void {
    const { userId, upToSeq } = frame.data as { userId: string; upToSeq: number }
    const mark = this.marks.get(userId) ?? { delivered: 0, read: 0 }
    mark.delivered = Math.max(mark.delivered, upToSeq)
    if (kind === 'read') mark.read = Math.max(mark.read, upToSeq)
    this.marks.set(userId, mark)
    if (userId === me || this.chat?.type !== 'direct') return
    for (const message of this.messages.values()) {
      if (message.senderId !== me || message.seq > upToSeq || message.status === null) continue
      this.messages.set(message.seq, { ...message, status: betterStatus(message.status, kind) })
    }
  }

  #checkOnce(message: Message): void {
    if (message.senderId === null || message.clientMessageId === null) return
    const key = `${message.senderId} ${message.clientMessageId}`
    const seq = this.#seqByClientId.get(key)
    if (seq !== undefined && seq !== message.seq) {
      this.oddities.push(`${message.clientMessageId} stands at ${seq} and at ${message.seq}`)
    }
    this.#seqByClientId.set(key, message.seq)
  }

  #advance(): void {
    for (let next = this.#nextVisible(); this.messages.has(next); next = this.#nextVisible())
      this.#head = next
  }

  #nextVisible(): number {
    const from = this.#head + 1
    const intervals: Interval[] = this.chat?.visible ?? [{ from: 1, to: null }]
    for (const interval of intervals) {
      if (interval.to === null || from <= interval.to) return Math.max(from, interval.from)
    }
    return Number.POSITIVE_INFINITY
  }
}

function betterStatus(a: MessageStatus | null | undefined, b: MessageStatus | null): MessageStatus | null {
  if (a === null || a === undefined) return b
  return b === null || RANK[a] > RANK[b] ? a : b
}
