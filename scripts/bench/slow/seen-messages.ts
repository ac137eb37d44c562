// A device's store that keeps only which messages it has: fifty devices with twenty thousand messages of 2 KB each
// would not fit otherwise. Nothing but messages happens in the measured chat, so a message's place is its revision.
import type { Chat, Frame, Message } from '../../../src/client/model.ts'
import type { Storage } from '../../../src/client/storage.ts'

type Seen = { places: Set<number>; head: number; top: number }

export class SeenMessages implements Storage {
  cursor: string | null = null
  readonly oddities: string[] = []
  readonly #chats = new Map<string, Seen>()

  saveCursor(cursor: string): void {
    this.cursor = cursor
  }

  signedInAs(): void {}

  apply(frame: Frame): string | null {
    const message = frame.data?.['message'] as Message | undefined
    if (frame.event !== 'message:received' || message === undefined) return null
    this.putMessage(message)
    return this.hasGap(message.chatId) ? message.chatId : null
  }

  putMessage(message: Message): void {
    const seen = this.#of(message.chatId)
    if (message.rev !== message.seq) this.oddities.push(`seq ${message.seq} has revision ${message.rev}`)
    seen.places.add(message.seq)
    seen.top = Math.max(seen.top, message.seq)
    while (seen.places.delete(seen.head + 1)) seen.head += 1
  }

  putChat(chat: Chat): void {
    this.#of(chat.id)
  }

  dropChat(chatId: string): void {
    this.#chats.delete(chatId)
  }

  chatIds(): string[] {
    return [...this.#chats.keys()]
  }

  /** The place up to which every message is here. */
  revOf(chatId: string): number {
    return this.#chats.get(chatId)?.head ?? 0
  }

  hasGap(chatId: string): boolean {
    const seen = this.#chats.get(chatId)
    return seen !== undefined && seen.head < seen.top
  }

  settle(chatId: string, rev: number): void {
    const { head } = this.#of(chatId)
    if (head < rev) this.oddities.push(`caught up to ${rev}, but only ${head} are here`)
  }

  #of(chatId: string): Seen {
    let seen = this.#chats.get(chatId)
    if (seen === undefined) {
      seen = { places: new Set(), head: 0, top: 0 }
      this.#chats.set(chatId, seen)
    }
    return seen
  }
}
