import type { Chat, Frame, Message } from './model.ts'

/**
 * What a client keeps. Everything is safe to apply twice: after a resume, events and own sends repeat.
 * The cursor is saved only after what it stands for, so that a crash in between repeats and never loses.
 */
export interface Storage {
  readonly cursor: string | null
  saveCursor(cursor: string): void
  signedInAs(userId: string): void
  /** Applies one durable event; answers the chat to be caught up where the event alone does not suffice. */
  apply(frame: Frame): string | null
  putMessage(message: Message): void
  putChat(chat: Chat): void
  dropChat(chatId: string): void
  chatIds(): string[]
  /** The revision up to which nothing of the chat is missing. */
  revOf(chatId: string): number
  /** Whether something of the chat is known to be missing. */
  hasGap(chatId: string): boolean
  /** Everything up to `rev` has been put. */
  settle(chatId: string, rev: number): void
}
