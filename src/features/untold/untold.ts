/**
 * A write that has to be told says so in its own document, and the note goes only once the streams have it: a node
 * that dies in between, or has no Redis, leaves the note to be found. Telling goes by the document as it is then, so
 * that telling twice changes nothing.
 */
import {
  ObjectId,
  type AnyBulkWriteOperation,
  type Collection,
  type Filter,
  type UpdateFilter,
} from 'mongodb'
import { parsePayload, toPayload, type Delivery } from '../../delivery/index.ts'
import { AppError } from '../../lib/errors.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { UntoldNote } from '../../stores/mongo.ts'
import type { RedisStore } from '../../stores/redis.ts'

/** A member of a lively chat moves his mark several times in this: one write takes the note of them all away. */
const SETTLE_MS = 1000
const LOOK_MS = 2500
/** What is younger is probably just being told, or about to be settled. */
const YOUNG_MS = 2500
/** Each look for this node's own sockets goes back a little: a write shows up some time after its stamp. */
const OVERLAP_MS = 3000
const AT_ONCE = 20
/** Tellings under way: they ask the stores, and must not crowd out those who wait for an answer. */
const TELLERS = 8
const PUSHED_MAX = 100_000

/** An event, and those who hear it. */
export interface Telling {
  userIds: string[]
  event: string
  data: unknown
}

interface Noted {
  _id: ObjectId
  untold?: UntoldNote
}

/**
 * What a write adds to its update so that it is told for certain. Stamped by the database: clocks of nodes differ. Each
 * change is a version of its own, so that settling one never settles the next.
 */
export function noteUntold(what: string) {
  return {
    $set: { 'untold.version': new ObjectId(), [`untold.${what}`]: true },
    $currentDate: { 'untold.at': true },
  } as const
}

export class Untold<T extends Noted> {
  readonly #collection: Collection<T>
  readonly #tellings: (doc: T, told: T | undefined) => Promise<Telling[]>
  readonly #delivery: Delivery
  readonly #redis: RedisStore
  readonly #clock: Clock
  readonly #log: Log
  /** In the streams, the note not yet taken away: by document, as it was told. */
  #told = new Map<string, T>()
  /** Versions that this node's sockets have, and the streams have not. */
  readonly #pushed = new Map<string, string>()
  #pushedUpTo = 0
  /** Documents that wait to be told, each as it was last. */
  readonly #waiting = new Map<string, T>()
  /** One document is told by one at a time, so that what is told of it only moves forward. */
  readonly #telling = new Map<string, Promise<void>>()
  #settleTimer: NodeJS.Timeout | null = null
  #lookTimer: NodeJS.Timeout | null = null
  #settling: Promise<void> = Promise.resolve()
  #looking: Promise<void> = Promise.resolve()
  #closed = false

  /** `tellings` gives what of a document is untold; of what was told of it lately it may leave out what is the same. */
  constructor(options: {
    collection: Collection<T>
    tellings: (doc: T, told: T | undefined) => Promise<Telling[]>
    delivery: Delivery
    redis: RedisStore
    clock: Clock
    log: Log
  }) {
    this.#collection = options.collection
    this.#tellings = options.tellings
    this.#delivery = options.delivery
    this.#redis = options.redis
    this.#clock = options.clock
    this.#log = options.log
  }

  /** Looks for what others left, for the streams or, on a node without that task, only for its own sockets. */
  start(forStreams: boolean): void {
    if (this.#closed) return
    this.#lookTimer = setTimeout(
      () => {
        this.#looking = this.#look(forStreams)
          .catch((err: unknown) =>
            this.#log.warn({ err }, 'untold changes not looked for, to be tried again'),
          )
          .finally(() => this.start(forStreams))
      },
      LOOK_MS * (0.75 + Math.random() / 2),
    )
    this.#lookTimer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#lookTimer) clearTimeout(this.#lookTimer)
    await this.#looking
    while (this.#telling.size > 0) await Promise.all(this.#telling.values())
    await this.#settle()
  }

  /** Tells what is untold of a document when its turn comes; of several changes until then the last is enough. */
  tellSoon(doc: T): void {
    if (!doc.untold) return
    this.#waiting.set(doc._id.toHexString(), doc)
    this.#tellNext()
  }

  #tellNext(): void {
    for (const [key, doc] of this.#waiting) {
      if (this.#telling.size >= TELLERS) return
      if (this.#telling.has(key)) continue
      this.#waiting.delete(key)
      this.#telling.set(key, this.#tellInTurn(key, doc))
    }
  }

  async #tellInTurn(key: string, doc: T): Promise<void> {
    await this.#each(doc, () => this.tell(doc))
    this.#telling.delete(key)
    this.#tellNext()
  }

  /**
   * Tells what is untold of a document as it is now; `ready` where the caller has the events already and nothing
   * else can be untold of it. Gives whether the streams have it.
   */
  async tell(doc: T, ready?: Telling[]): Promise<boolean> {
    if (!doc.untold) return true
    const key = doc._id.toHexString()
    const tellings = ready ?? (await this.#tellings(doc, this.#told.get(key)))
    const told = await Promise.all(
      tellings.map(({ userIds, event, data }) => this.#delivery.notifyUsers(userIds, { event, data })),
    )
    if (told.every(Boolean)) {
      this.#settleSoon(key, doc)
      return true
    }
    this.#notePushed(key, doc.untold)
    return false
  }

  async #look(forStreams: boolean): Promise<void> {
    const back = this.#redis.isBack()
    if (back && (!forStreams || (await this.#tellOld()))) {
      this.#pushed.clear()
      this.#pushedUpTo = 0
    } else await this.#pushToOwnSockets()
  }

  /** False where the streams do not take it. */
  async #tellOld(): Promise<boolean> {
    const until = new Date(this.#clock.now().getTime() - YOUNG_MS)
    let told = 0
    for await (const docs of this.#notedBetween(new Date(0), until)) {
      const outcomes = await Promise.all(docs.map((doc) => this.#each(doc, () => this.tell(doc))))
      if (outcomes.includes(false)) return false
      told += docs.length
    }
    if (told > 0) {
      await this.#settle()
      this.#log.info({ changes: told, of: this.#collection.collectionName }, 'told what had not been told')
    }
    return true
  }

  async #pushToOwnSockets(): Promise<void> {
    const from = new Date(Math.max(0, this.#pushedUpTo - OVERLAP_MS))
    for await (const docs of this.#notedBetween(from, null))
      await Promise.all(docs.map((doc) => this.#each(doc, () => this.#push(doc))))
  }

  async #push(doc: T): Promise<void> {
    const key = doc._id.toHexString()
    if (!doc.untold || this.#pushed.get(key) === doc.untold.version.toHexString()) return
    for (const { userIds, event, data } of await this.#tellings(doc, undefined))
      this.#delivery.feeds.tellFromLog(userIds, parsePayload(toPayload(event, JSON.stringify(data))), '')
    this.#notePushed(key, doc.untold)
    this.#pushedUpTo = Math.max(this.#pushedUpTo, doc.untold.at.getTime())
  }

  /** One document that cannot be told must not keep the others from it. */
  async #each<R>(doc: T, task: () => Promise<R>): Promise<R | undefined> {
    try {
      return await task()
    } catch (err) {
      // What it belongs to is gone, and with it whoever could be told.
      if (err instanceof AppError && err.code === 'RESOURCE_NOT_FOUND')
        this.#settleSoon(doc._id.toHexString(), doc)
      else
        this.#log.warn(
          { err, of: this.#collection.collectionName },
          'a change was not told, to be tried again',
        )
      return undefined
    }
  }

  async *#notedBetween(from: Date, until: Date | null): AsyncGenerator<T[]> {
    const at = { $gte: from, ...(until && { $lt: until }) }
    const noted = this.#collection
      .find({ 'untold.at': at } as unknown as Filter<T>)
      .sort({ 'untold.at': 1 })
      .batchSize(AT_ONCE * 5)
    let docs: T[] = []
    for await (const doc of noted) {
      docs.push(doc as T)
      if (docs.length < AT_ONCE) continue
      yield docs
      docs = []
    }
    if (docs.length > 0) yield docs
  }

  #notePushed(key: string, { version }: UntoldNote): void {
    if (this.#pushed.size > PUSHED_MAX) this.#pushed.clear()
    this.#pushed.set(key, version.toHexString())
  }

  #settleSoon(key: string, doc: T): void {
    const held = this.#told.get(key)?.untold
    // Two tellings of one document may end in the other order; versions of one process ascend.
    if (held && doc.untold && held.version.toHexString() > doc.untold.version.toHexString()) return
    this.#told.set(key, doc)
    this.#settleTimer ??= setTimeout(() => void this.#settle(), SETTLE_MS)
  }

  #settle(): Promise<void> {
    if (this.#settleTimer) clearTimeout(this.#settleTimer)
    this.#settleTimer = null
    this.#settling = this.#settling.then(() => this.#takeAway())
    return this.#settling
  }

  async #takeAway(): Promise<void> {
    if (this.#told.size === 0) return
    const operations = [...this.#told.values()].map(({ _id, untold }) => ({
      updateOne: {
        filter: { _id, 'untold.version': untold?.version } as unknown as Filter<T>,
        update: { $unset: { untold: '' } } as unknown as UpdateFilter<T>,
      },
    })) as Array<AnyBulkWriteOperation<T>>
    this.#told = new Map()
    await this.#collection
      // A note that stays, or comes back with a failover, costs a second telling.
      .bulkWrite(operations, { ordered: false, writeConcern: { w: 1 } })
      .catch((err: unknown) => this.#log.warn({ err }, 'told changes not settled, to be told again'))
  }
}
