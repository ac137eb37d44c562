// A client's store in memory: what the server said, applied; two replicas of one user must come out equal.
import { ChatCopy } from './chat-copy.ts'
import type { Chat, Frame, Message } from './model.ts'
import type { Storage } from './storage.ts'

type EventData = {
  chatId?: string
  messageId?: string
  rev?: number
  message?: Message
  chat?: Chat
  userId?: string
  until?: string | null
  poll?: unknown
}

const TOMBSTONE = {
  isDeleted: true,
  content: null,
  media: null,
  location: null,
  contact: null,
  poll: null,
  reactions: [] as Message['reactions'],
} as const

export class Replica implements Storage {
  cursor: string | null = null
  userId = ''
  readonly chats = new Map<string, ChatCopy>()

  saveCursor(cursor: string): void {
    this.cursor = cursor
  }

  signedInAs(userId: string): void {
    this.userId = userId
  }

  chatIds(): string[] {
    return [...this.chats.keys()]
  }

  revOf(chatId: string): number {
    return this.chats.get(chatId)?.rev ?? 0
  }

  hasGap(chatId: string): boolean {
    const copy = this.chats.get(chatId)
    return copy !== undefined && (copy.hasGap || copy.isBehind)
  }

  settle(chatId: string, rev: number): void {
    const copy = this.#copy(chatId)
    copy.rev = Math.max(copy.rev, rev)
  }

  putMessage(message: Message): void {
    const copy = this.#copy(message.chatId)
    copy.put(message)
    // Fetched, or the answer to an own send: what came just before it may still be on its way, or never come.
    if (message.rev === copy.rev + 1) copy.reach(message.rev)
  }

  putChat(chat: Chat): void {
    this.#copy(chat.id).putChat(chat)
  }

  dropChat(chatId: string): void {
    this.chats.delete(chatId)
  }

  messages(chatId: string): Message[] {
    return this.chats.get(chatId)?.inOrder() ?? []
  }

  oddities(): string[] {
    return [...this.chats].flatMap(([chatId, copy]) => copy.oddities.map((text) => `${chatId}: ${text}`))
  }

  apply(frame: Frame): string | null {
    const data = (frame.data ?? {}) as EventData
    const chatId = data.chatId ?? data.message?.chatId ?? data.chat?.id
    if (chatId === undefined) return null
    if (frame.event === 'chat:deleted') {
      this.dropChat(chatId)
      return null
    }
    const copy = this.#copy(chatId)
    const rev = data.rev ?? data.message?.rev ?? data.chat?.rev
    const isWhole = this.#applyToChat(copy, frame, data)
    if (!isWhole) {
      if (rev !== undefined) copy.miss(rev)
      return chatId
    }
    if (rev !== undefined) copy.reach(rev)
    return copy.hasGap || copy.isBehind ? chatId : null
  }

  /** Answers false where the event says that something changed, but not what it is now. */
  #applyToChat(copy: ChatCopy, frame: Frame, data: EventData): boolean {
    const rev = data.rev ?? 0
    switch (frame.event) {
      case 'message:received':
        if (data.message !== undefined) copy.receive(data.message)
        return copy.chat !== null
      case 'message:edited':
        if (data.message !== undefined) copy.put(data.message)
        return true
      case 'message:deleted':
        return copy.change(data.messageId ?? '', rev, TOMBSTONE)
      case 'message:pinned':
        return copy.change(data.messageId ?? '', rev, { pinned: true })
      case 'message:unpinned':
        return copy.change(data.messageId ?? '', rev, { pinned: false })
      case 'message:delivered':
        copy.mark('delivered', frame, this.userId)
        return true
      case 'message:read':
        copy.mark('read', frame, this.userId)
        return true
      case 'chat:created':
      case 'chat:updated':
        if (data.chat !== undefined) copy.putChat(data.chat)
        return data.chat?.visible !== undefined
      case 'message:reaction:added':
      case 'message:reaction:removed':
      case 'poll:updated':
      case 'chat:participant:joined':
      case 'chat:participant:left':
      case 'chat:participant:role_changed':
        return false
      default:
        return true
    }
  }

  #copy(chatId: string): ChatCopy {
    const known = this.chats.get(chatId)
    if (known !== undefined) return known
    const copy = new ChatCopy()
    this.chats.set(chatId, copy)
    return copy
  }
}
