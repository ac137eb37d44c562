// What a device holds, with every arrival written down. Messages are kept slim and shared between the devices of a run,
// since one process plays them all.
import { Replica } from '../../../src/client/replica.ts'
import type { Chat, Frame, Message } from '../../../src/client/model.ts'
import type { History } from '../history/history.ts'
import { stateOf } from './state.ts'

/** The run's own names for chats and users, which the server's answers carry by id. */
export class Names {
  readonly chats = new Map<string, string>()
  readonly people = new Map<string, string>()
  readonly #shared = new Map<string, Message>()

  chat(id: string): string {
    return this.chats.get(id) ?? id
  }

  person(userId: string): string {
    return this.people.get(userId) ?? userId
  }

  /** The same message as one object, whoever received it. */
  share(message: Message): Message {
    const key = `${message.chatId}:${message.seq}:${message.rev}`
    const known = this.#shared.get(key)
    if (known !== undefined && known.status === message.status && stateOf(known) === stateOf(message)) {
      return known.id === message.id ? known : slim(message)
    }
    const own = slim(message)
    if (known === undefined) this.#shared.set(key, own)
    return own
  }
}

const NONE: never[] = []

function slim(message: Message): Message {
  const { id, chatId, seq, rev, senderId, clientMessageId, type, content, isDeleted, isEdited } = message
  const reactions = message.reactions?.length ? message.reactions : NONE
  const { status, pinned } = message
  const slimmed = {
    id,
    chatId,
    seq,
    rev,
    senderId,
    clientMessageId,
    type,
    content,
    isDeleted,
    isEdited,
    pinned,
    reactions,
    status,
  }
  return slimmed as Message
}

/** All that a memory needs of a history. */
export type Recorder = Pick<History, 'now' | 'record'>

export class Memory extends Replica {
  /** Own messages without an answer yet: theirs is recorded as an ack. */
  readonly unanswered = new Set<string>()
  readonly #device: string
  readonly #history: Recorder
  readonly #names: Names

  constructor(device: string, history: Recorder, names: Names) {
    super()
    this.#device = device
    this.#history = history
    this.#names = names
  }

  override putMessage(message: Message): void {
    const held = this.chats.get(message.chatId)?.messages.get(message.seq)
    const isAnswer = message.clientMessageId !== null && this.unanswered.has(message.clientMessageId)
    if (!isAnswer && (held === undefined || held.rev !== message.rev)) {
      this.#received('fetched', message.chatId, message, false)
    }
    super.putMessage(this.#names.share(message))
  }

  override putChat(chat: Chat): void {
    // To somebody who is out, the chat's newest message must not be shown either.
    if (chat.myRole === null && chat.lastMessage !== null) {
      this.#received('previewed', chat.id, { ...chat.lastMessage, rev: 0 }, false)
    }
    super.putChat(chat)
  }

  /** Writes down a durable frame in the moment it comes, before it is applied. */
  arrived(frame: Frame): void {
    const data = frame.data as Arrival | undefined
    const chatId = data?.chatId ?? data?.message?.chatId ?? data?.chat?.id
    if (frame.cursor === undefined || data === undefined || chatId === undefined) return
    if (frame.event === 'message:read' || frame.event === 'message:delivered') {
      this.#receipt(frame.event === 'message:read' ? 'read' : 'delivered', chatId, data)
      return
    }
    if (data.message !== undefined) {
      this.#received(frame.event, chatId, data.message, true)
      frame.data = { ...frame.data, message: this.#names.share(data.message) }
      return
    }
    const { chat, messageId = '', seq = chat?.lastSeq ?? 0, rev = chat?.rev ?? 0 } = data
    this.#received(frame.event, chatId, { id: messageId, seq, rev, type: '' }, true)
  }

  #received(
    event: string,
    chatId: string,
    { id, seq, rev, type }: Pick<Message, 'id' | 'seq' | 'rev' | 'type'>,
    live: boolean,
  ): void {
    const chat = this.#names.chat(chatId)
    const isVoid = type === 'void'
    const at = this.#history.now()
    this.#history.record({
      kind: 'received',
      at,
      device: this.#device,
      chat,
      event,
      seq,
      rev,
      id,
      live,
      isVoid,
    })
  }

  #receipt(mark: 'read' | 'delivered', chatId: string, { userId = '', upToSeq = 0 }: Arrival): void {
    const chat = this.#names.chat(chatId)
    const person = this.#names.person(userId)
    const at = this.#history.now()
    this.#history.record({ kind: 'receipt', at, device: this.#device, chat, person, mark, upTo: upToSeq })
  }
}

type Arrival = {
  chatId?: string
  message?: Message
  chat?: Chat
  messageId?: string
  seq?: number
  rev?: number
  userId?: string
  upToSeq?: number
}
