/**
 * The log of each chat: what is said and done there, in one dense order. Owns the places (`seq`, `rev`), the writing
 * of messages, and telling fan-out what was written. Promises: an appended message is stored by a majority before
 * anyone hears of it, once per clientMessageId, and nobody appends behind a change of membership without knowing it.
 */
import { ObjectId } from 'mongodb'
import type { ChatFanout, Delivery, FanoutLog } from '../delivery/index.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError, unavailable } from '../lib/errors.ts'
import type { Ids } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import type { MessageDoc, Mongo } from '../stores/mongo.ts'
import { asLeft } from './as-left.ts'
import { Committer, type Placed } from './committer.ts'
import { Heads } from './heads.ts'
import { Lane, type Entry, type Stored } from './lane.ts'
import { receivedEvents, rebuiltFanout } from './log-events.ts'
import { toMessage } from './message-view.ts'
import { loadHead, loadState, type ChatState } from './state.ts'
import type { BlockSource } from './withheld.ts'
import { isDuplicateKey } from './write-outcome.ts'

export type { Draft, Stored } from './lane.ts'
export { asLeft, infoFor, leftWith, marksAsLeft, versionToKeep } from './as-left.ts'
export { seersOf } from './audiences.ts'
export {
  deletedTelling,
  editedTellings,
  receivedEvent,
  RECOUNT,
  REVS_KEPT,
  toFanout,
  type Telling,
} from './log-events.ts'
export {
  canSee,
  isVoidFor,
  preview,
  statusOf,
  toMessage,
  type MessageStatus,
  type MessageView,
} from './message-view.ts'
export { loadHead, type ChatState } from './state.ts'
export { Sweep } from './sweep.ts'
export { withheldFrom, type BlockSource } from './withheld.ts'
export { Tail } from './tail.ts'

/** A change's write, done at the places `seq`/`rev` that follow the given state. */
export interface ChangeResult<T> {
  value: T
  /** What to tell; null where nothing was taken. */
  fanout: ChatFanout | null
  /** The newest message, if the change stored or changed it. */
  message?: MessageDoc
  /** The membership is as it was, so that the next write goes by what is known. */
  sameMembers?: true
}

/** Thrown by a change that finds the chat beyond the state that it was given. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

const LANES_MAX = 20_000
const LANE_IDLE_MS = 60_000
const STALE_TRIES = 40
const STALE_PAUSE_MAX_MS = 20
/** How many revisions are told from the log at once. */
const REBUILD_REVS = 200

export class ChatLog implements FanoutLog {
  readonly #mongo: Mongo
  readonly #delivery: Delivery
  readonly #ids: Ids
  readonly #heads: Heads
  readonly #committer: Committer
  readonly #lanes = new Map<string, Lane>()
  readonly #janitor: NodeJS.Timeout
  #outbox: ChatFanout[] = []

  constructor(options: {
    mongo: Mongo
    delivery: Delivery
    ids: Ids
    clock: Clock
    log: Log
    blocks: BlockSource
  }) {
    this.#mongo = options.mongo
    this.#delivery = options.delivery
    this.#ids = options.ids
    this.#heads = new Heads(options.mongo, options.log)
    this.#committer = new Committer(options, {
      stored: (lane, placed) => this.#stored(lane, placed),
      repeated: (lane, entry, first) => this.#repeated(lane, entry, first),
    })
    options.delivery.fanOut.attachLog(this)
    options.delivery.onControl('members', (chatHex) => this.#forget(chatHex))
    this.#janitor = setInterval(() => this.#sweepLanes(), LANE_IDLE_MS / 2)
    this.#janitor.unref()
  }

  /** Stores one message at the next place. Throws what `admit` throws, CONFLICT, or SERVICE_UNAVAILABLE (retryable). */
  append(chatHex: string, entry: Pick<Entry, 'draft' | 'origin' | 'admit'>): Promise<Stored> {
    return new Promise((resolve, reject) => {
      this.#enqueue(chatHex, { kind: 'entry', ...entry, since: performance.now(), resolve, reject })
    })
  }

  /**
   * Runs a write that takes the next place itself (a transaction), alone in its chat. A duplicate key, or Overtaken,
   * means that another node was faster: it is run again on the state read anew.
   */
  change<T>(chatHex: string, apply: (state: ChatState) => Promise<ChangeResult<T>>): Promise<T> {
    return new Promise((resolve, reject) => {
      let tries = 0
      this.#enqueue(chatHex, {
        kind: 'change',
        reject,
        run: async (state, isFresh) => {
          try {
            const { value, fanout, message, sameMembers } = await apply(state)
            // Having taken the next place proves what it went by; where nothing was taken, only a fresh state does.
            if (!fanout && !isFresh) return 'stale'
            if (message) this.#heads.stored(chatHex, message)
            if (fanout) this.#delivery.fanOut.tell([fanout])
            resolve(value)
            if (!fanout) return state
            return sameMembers ? { ...state, rev: fanout.to, checkedAt: performance.now() } : null
          } catch (err) {
            if (err instanceof AppError && !isFresh) return 'stale'
            tries += 1
            if (tries < STALE_TRIES && (err instanceof Overtaken || isDuplicateKey(err))) {
              // The faster write may not have its majority yet, and before that the head cannot be read.
              await new Promise((resolve) => setTimeout(resolve, Math.min(tries * 2, STALE_PAUSE_MAX_MS)))
              return 'stale'
            }
            reject(
              err instanceof AppError
                ? err
                : unavailable('The change could not be stored right now; try again.', err),
            )
            return null
          }
        },
      })
    })
  }

  /** What this node knows of the chat, at most `maxAgeMs` behind the log. */
  async state(chatHex: string, maxAgeMs = 2000): Promise<ChatState> {
    const lane = this.#lane(chatHex)
    if (lane.state && !lane.outdated && performance.now() - lane.state.checkedAt < maxAgeMs) return lane.state
    const state = await loadState(this.#mongo.log, chatHex)
    // A write under way places by the state it took; it must not change beneath it.
    if (!lane.busy) {
      lane.state = state
      lane.outdated = false
    }
    return state
  }

  /** Makes all nodes read a chat's membership anew; the log itself already keeps them from writing past it. */
  async membersChanged(chatHex: string): Promise<void> {
    this.#forget(chatHex)
    await this.#delivery.announce('members', chatHex).catch(() => undefined)
  }

  /** Writes the chats' copies of their heads that are still waiting. */
  flushHeads(): Promise<void> {
    return this.#heads.flush()
  }

  noteHead(chatHex: string, newest: MessageDoc): void {
    this.#heads.stored(chatHex, newest)
  }

  async fannedRev(chatHex: string): Promise<number> {
    await this.#heads.flush()
    const chat = await this.#mongo.chats.findOne(
      { _id: new ObjectId(chatHex) },
      { projection: { fanRev: 1 } },
    )
    return chat?.fanRev ?? 0
  }

  async rebuild(chatHex: string, fromRev: number): Promise<ChatFanout | null> {
    const chatId = new ObjectId(chatHex)
    const { rev } = await loadHead(this.#mongo, chatId)
    const toRev = Math.min(rev, fromRev + REBUILD_REVS - 1)
    // By all their revisions: a message that was stored among these may have moved on beyond them.
    const docs = await this.#mongo.messages
      .find({ chatId, revs: { $elemMatch: { $gte: fromRev, $lte: toRev } } })
      // Left to itself the planner may walk the whole chat.
      .hint({ chatId: 1, revs: 1 })
      .toArray()
    // After the messages, so that no interval read here is older than a place that it bounds.
    const members = await this.#mongo.members.find({ chatId }).toArray()
    return rebuiltFanout(this.#ids, chatHex, fromRev, docs, members, toRev)
  }

  fanned(chatHex: string, rev: number): void {
    this.#heads.fanned(chatHex, rev)
  }

  /** Waits for nothing new: call after the doors are closed. */
  async close(): Promise<void> {
    clearInterval(this.#janitor)
    await this.#delivery.fanOut.settled()
    await this.#heads.flush()
  }

  #enqueue(chatHex: string, item: Lane['queue'][number]): void {
    const lane = this.#lane(chatHex)
    lane.queue.push(item)
    this.#committer.wake(lane)
  }

  #lane(chatHex: string): Lane {
    let lane = this.#lanes.get(chatHex)
    if (!lane) {
      lane = new Lane(chatHex)
      this.#lanes.set(chatHex, lane)
    }
    lane.usedAt = performance.now()
    return lane
  }

  #forget(chatHex: string): void {
    const lane = this.#lanes.get(chatHex)
    if (lane) lane.outdated = true
  }

  #sweepLanes(): void {
    const old = performance.now() - (this.#lanes.size > LANES_MAX ? 0 : LANE_IDLE_MS)
    for (const [chatHex, lane] of this.#lanes)
      if (!lane.busy && lane.queue.length === 0 && lane.usedAt < old) this.#lanes.delete(chatHex)
  }

  /** The acks go out first: every `resolve` here is a frame to a sender, which leaves with the next tick. */
  #stored(lane: Lane, placed: Placed[]): void {
    const first = placed[0]
    const last = placed.at(-1)
    if (!first || !last) return
    const told = placed.map(({ entry, doc }) => {
      const json = JSON.stringify(toMessage(this.#ids, doc))
      entry.resolve({ message: doc, duplicate: false, json })
      return { doc, json, origin: entry.origin }
    })
    this.#heads.stored(lane.chatHex, last.doc)
    const recipients = lane.state?.recipients
    if (recipients === undefined) {
      // The write's outcome was unknown and the membership has to be read anew.
      void this.#delivery.fanOut.repair(lane.chatHex)
      return
    }
    const sets: string[] = []
    const events = told.flatMap((one) => receivedEvents(this.#ids, { ...one, recipients }, sets))
    if (this.#outbox.length === 0) process.nextTick(() => process.nextTick(() => this.#flushOutbox()))
    this.#outbox.push({ chatHex: lane.chatHex, from: first.doc.rev, to: last.doc.rev, sets, events })
  }

  #flushOutbox(): void {
    const jobs = this.#outbox
    this.#outbox = []
    this.#delivery.fanOut.tell(jobs)
  }

  async #repeated(lane: Lane, entry: Entry, message: MessageDoc): Promise<void> {
    const { senderId, bodyDigest } = entry.draft
    if (message.bodyDigest !== bodyDigest)
      throw new AppError('CONFLICT', 'clientMessageId: another message was sent under this id.', {
        details: [{ path: 'clientMessageId', message: 'was used for another message' }],
      })
    const member =
      lane.state?.members.get(senderId) ??
      (await this.#mongo.members.findOne({ chatId: message.chatId, userId: senderId }))
    const seen = member ? asLeft(message, member) : message
    const view = toMessage(this.#ids, seen, { userId: senderId })
    entry.resolve({ message, duplicate: true, json: JSON.stringify(view) })
    // Whoever stored it may have died before telling it, or had given it up before it landed.
    if (!this.#delivery.fanOut.knows(lane.chatHex, message.rev))
      void this.#delivery.fanOut.repair(lane.chatHex)
  }
}
