/**
 * Finds what was stored and never told: a node that died between the two leaves nothing else behind. Looks at what
 * the log took lately, and compares it with how far Redis says that fan-out got, and with the chats' copies of their
 * heads. All times are the database's: messages are stamped by a clock that follows it, changes by itself.
 */
import { ObjectId, type Collection } from 'mongodb'
import type { FanOut } from '../delivery/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { MessageDoc, Mongo } from '../stores/mongo.ts'

const SWEEP_MS = 3000
/** What is younger is probably just being told. */
const YOUNG_MS = 1500
/** A write takes this long at most from its stamp to its majority, unless its node or its link stood still. */
const OVERLAP_MS = 10_000
/** Every so many looks, and at first, also what landed much later than it was stamped. */
const DEEP_EVERY = 10
const DEEP_MS = 2 * 60_000
/** After an outage the log is looked through piece by piece: each read ends in time. */
const WINDOW_MS = 5 * 60_000
/** How far this deployment has looked, for the processes to come. */
const POSITION = { _id: 'log' } as const

interface Position {
  _id: string
  upTo: Date
}

interface Head {
  _id: string
  rev: number
  seq: number
}

export class Sweep {
  readonly #mongo: Mongo
  readonly #positions: Collection<Position>
  readonly #fanOut: FanOut
  readonly #clock: Clock
  readonly #log: Log
  readonly #noteHead: (chatHex: string, newest: MessageDoc) => void
  /** Looked through up to there, in the database's time. */
  #upTo: number | null = null
  #looks = 0
  #closed = false
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()

  constructor(options: {
    mongo: Mongo
    fanOut: FanOut
    clock: Clock
    log: Log
    noteHead: (chatHex: string, newest: MessageDoc) => void
  }) {
    this.#noteHead = options.noteHead
    this.#mongo = options.mongo
    this.#positions = options.mongo.db.collection<Position>('sweep_positions')
    this.#fanOut = options.fanOut
    this.#clock = options.clock
    this.#log = options.log
  }

  start(): void {
    this.#timer = setTimeout(
      () => {
        this.#running = this.#look()
          .catch((err: unknown) => this.#log.warn({ err }, 'sweep failed, to be tried again'))
          .finally(() => this.start())
      },
      SWEEP_MS * (0.75 + Math.random() / 2),
    )
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#running
    if (this.#timer) clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    const until = this.#clock.now().getTime() - YOUNG_MS
    const start = this.#upTo ?? (await this.#keptPosition())
    let from = Math.min(start, until) - (this.#looks % DEEP_EVERY === 0 ? DEEP_MS : OVERLAP_MS)
    while (from < until && !this.#closed) {
      const to = Math.min(until, from + WINDOW_MS)
      await this.#tellUntold(new Date(from), new Date(to))
      this.#upTo = Math.max(start, to)
      from = to
    }
    this.#looks += 1
    if (this.#upTo !== null) await this.#keepPosition(this.#upTo)
  }

  async #tellUntold(from: Date, to: Date): Promise<void> {
    const heads = await this.#headsBetween(from, to)
    await this.#catchUpHeads(heads)
    const marks = await this.#fanOut.marks(heads.map((head) => head._id))
    let repaired = 0
    for (const [index, head] of heads.entries()) {
      const mark = marks[index]
      // An unknown mark is no news by itself: Redis forgets chats that rest, and a flush forgets them all.
      if (mark == null ? !this.#fanOut.knows(head._id, head.rev) : mark < head.rev) {
        repaired += 1
        await this.#fanOut.repair(head._id)
      }
    }
    if (repaired > 0) this.#log.info({ chats: repaired }, 'sweep told what had not been told')
  }

  /** Where all nodes were down for hours, what they left lies hours back. */
  async #keptPosition(): Promise<number> {
    const kept = await this.#positions.findOne(POSITION)
    return kept?.upTo.getTime() ?? this.#clock.now().getTime()
  }

  async #keepPosition(upTo: number): Promise<void> {
    await this.#positions.updateOne(
      POSITION,
      { $max: { upTo: new Date(upTo) } },
      // Behind by a little it costs a second look.
      { upsert: true, writeConcern: { w: 1 } },
    )
  }

  /** A node that died took the copies with it that it had not written yet. */
  async #catchUpHeads(heads: Head[]): Promise<void> {
    const chats = await this.#mongo.chats
      .find({ _id: { $in: heads.map((head) => new ObjectId(head._id)) } }, { projection: { lastSeq: 1 } })
      .toArray()
    const written = new Map(chats.map((chat) => [chat._id.toHexString(), chat.lastSeq]))
    for (const { _id, seq } of heads) {
      if ((written.get(_id) ?? seq) >= seq) continue
      const newest = await this.#mongo.messages.findOne({ chatId: new ObjectId(_id), seq })
      if (newest) this.#noteHead(_id, newest)
    }
  }

  async #headsBetween(from: Date, to: Date): Promise<Head[]> {
    const newest = (field: 'createdAt' | 'changedAt') =>
      this.#mongo.messages
        .aggregate<Head>([
          { $match: { [field]: { $gte: from, $lte: to } } },
          { $group: { _id: { $toString: '$chatId' }, rev: { $max: '$rev' }, seq: { $max: '$seq' } } },
        ])
        .toArray()
    const [stored, changed] = await Promise.all([newest('createdAt'), newest('changedAt')])
    const byChat = new Map<string, Head>()
    for (const head of [...stored, ...changed])
      if ((byChat.get(head._id)?.rev ?? -1) < head.rev)
        byChat.set(head._id, { ...head, seq: Math.max(head.seq, byChat.get(head._id)?.seq ?? 0) })
    return [...byChat.values()]
  }
}
