/**
 * The chat's copy of its newest message and how far fan-out got, written behind in batches: the newest wins. Both can
 * be derived from the log, so a crash costs nothing; multikey indexes with one entry per participant make each write
 * of them dear.
 */
import { ObjectId, type AnyBulkWriteOperation } from 'mongodb'
import { LIMITS } from '../lib/limits.ts'
import type { Log } from '../lib/log.ts'
import type { ChatDoc, MessageDoc, Mongo } from '../stores/mongo.ts'
import { preview } from './message-view.ts'

const FLUSH_MS = 200

interface Pending {
  newest: MessageDoc | null
  fanRev: number
}

export class Heads {
  readonly #mongo: Mongo
  readonly #log: Log
  #pending = new Map<string, Pending>()
  #timer: NodeJS.Timeout | null = null
  #flushing: Promise<void> = Promise.resolve()

  constructor(mongo: Mongo, log: Log) {
    this.#mongo = mongo
    this.#log = log
  }

  /** The chat's newest message was stored, or changed. */
  stored(chatHex: string, newest: MessageDoc): void {
    const pending = this.#of(chatHex)
    const held = pending.newest
    if (!held || held.seq < newest.seq || (held.seq === newest.seq && held.rev < newest.rev))
      pending.newest = newest
  }

  fanned(chatHex: string, rev: number): void {
    const pending = this.#of(chatHex)
    pending.fanRev = Math.max(pending.fanRev, rev)
  }

  /** Resolves when what was noted so far is written, or could not be. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#flushing = this.#flushing.then(() => this.#write())
    return this.#flushing
  }

  #of(chatHex: string): Pending {
    let pending = this.#pending.get(chatHex)
    if (!pending) {
      pending = { newest: null, fanRev: 0 }
      this.#pending.set(chatHex, pending)
      this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS)
    }
    return pending
  }

  async #write(): Promise<void> {
    if (this.#pending.size === 0) return
    const batch = this.#pending
    this.#pending = new Map()
    const operations: Array<AnyBulkWriteOperation<ChatDoc>> = []
    for (const [chatHex, { newest, fanRev }] of batch) {
      const _id = new ObjectId(chatHex)
      if (newest) {
        // Another node's copy may be the newer one: of a later message, or of this one after a later change.
        const older = [
          { lastSeq: { $lt: newest.seq } },
          { lastSeq: newest.seq, 'lastEntry.rev': { $not: { $gte: newest.rev } } },
        ]
        operations.push({ updateOne: { filter: { _id, $or: older }, update: headUpdate(newest) } })
      }
      if (fanRev > 0) operations.push({ updateOne: { filter: { _id }, update: { $max: { fanRev } } } })
    }
    await this.#mongo.chats
      // Derivable, so one member's word is enough.
      .bulkWrite(operations, { ordered: false, writeConcern: { w: 1 } })
      .catch((err: unknown) => {
        this.#log.warn({ err }, 'chat heads not written, to be tried again')
        for (const [chatHex, { newest, fanRev }] of batch) {
          if (newest) this.stored(chatHex, newest)
          if (fanRev > 0) this.fanned(chatHex, fanRev)
        }
      })
  }
}

function headUpdate(newest: MessageDoc) {
  return {
    $set: {
      lastSeq: newest.seq,
      lastMessage: preview(newest, LIMITS.previewCharacters),
      lastMessageAt: newest.createdAt,
      lastEntry: {
        id: newest._id,
        seq: newest.seq,
        rev: newest.rev,
        senderId: newest.senderId,
        type: newest.messageType,
        createdAt: newest.createdAt,
      },
      updatedAt: newest.createdAt,
    },
  }
}
