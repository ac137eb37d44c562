/** One chat's waiting line on this node. At most one write of it is under way; what arrives meanwhile is the next batch. */
import type { AppError } from '../lib/errors.ts'
import type { MessageDoc } from '../stores/mongo.ts'
import type { ChatState } from './state.ts'

/** A message without its place. */
export type Draft = Omit<MessageDoc, 'seq' | 'rev' | 'revs' | 'createdAt' | 'updatedAt'>

/** A message that waits for its place in the log. */
export interface Entry {
  kind: 'entry'
  /** Everything but its place. */
  draft: Draft
  /** The connection that gets the ack instead of the event. */
  origin: string
  /** Looks at the chat as of the place that the message is about to take; throws what the sender may not. */
  admit(state: ChatState): void
  resolve(stored: Stored): void
  reject(err: unknown): void
  /** When it came, by the monotonic clock. */
  since: number
  /** It was refused on what this node knew; it is refused for good only on a state read after that. */
  doubted?: boolean
}

export interface Stored {
  message: MessageDoc
  /** True where an earlier send with the same clientMessageId is the answer. */
  duplicate: boolean
  /** The message as everyone sees it, encoded once for the ack and the event. */
  json: string
}

/** Anything else that changes the chat: runs alone between batches. */
export interface Change {
  kind: 'change'
  /**
   * Gives the state after it, null where it has to be read again, or 'stale' to be run again on a newer one. Fresh is
   * a state that was read for it.
   */
  run(state: ChatState, isFresh: boolean): Promise<ChatState | null | 'stale'>
  reject(err: unknown): void
}

export class Lane {
  readonly chatHex: string
  state: ChatState | null = null
  busy = false
  /** What this node knows of the chat may be too old to decide by. */
  outdated = false
  usedAt = 0
  /** Another node writes here too, as of this time: what is written along with it would wait for the collisions. */
  contendedAt = -Infinity
  /** In a row. */
  collisions = 0
  readonly queue: Array<Entry | Change> = []

  constructor(chatHex: string) {
    this.chatHex = chatHex
  }

  /** The next messages in order, up to a change or the limit. */
  takeEntries(max: number): Entry[] {
    const entries: Entry[] = []
    while (entries.length < max) {
      const next = this.queue[0]
      if (next?.kind !== 'entry') break
      entries.push(next)
      this.queue.shift()
    }
    return entries
  }

  /** Puts entries back at the head of the line, in their order. */
  putBack(entries: Entry[]): void {
    this.queue.unshift(...entries)
  }

  rejectEntries(err: AppError): void {
    const changes = this.queue.splice(0).filter((waiting) => {
      if (waiting.kind === 'entry') waiting.reject(err)
      return waiting.kind === 'change'
    })
    this.queue.push(...changes)
  }

  rejectAll(err: AppError): void {
    for (const waiting of this.queue.splice(0)) waiting.reject(err)
  }
}
