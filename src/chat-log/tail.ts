/**
 * The way of events to this node's sockets while Redis is away: MongoDB's change stream of the log. It starts a little
 * before the outage, so that what fell between the two is told as well; clients drop by id what they have.
 */
import { Timestamp, type ChangeStream, type ChangeStreamDocument } from 'mongodb'
import { parsePayload, type Delivery } from '../delivery/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Ids } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import type { MessageDoc, Mongo } from '../stores/mongo.ts'
import type { RedisStore } from '../stores/redis.ts'
import { rebuiltFanout } from './log-events.ts'

/** A Redis that stands still is noticed after three seconds. */
const LOOK_BACK_SECONDS = 10
const RETRY_MS = 500
/** Other chats of this node's users change too; what it told already of them is remembered by place. */
const TOLD_MAX = 20_000

export class Tail {
  readonly #mongo: Mongo
  readonly #delivery: Delivery
  readonly #ids: Ids
  readonly #clock: Clock
  readonly #log: Log
  readonly #redis: RedisStore
  #stream: ChangeStream<MessageDoc> | null = null
  #from: Timestamp | null = null
  #told = new Set<string>()
  #closed = false

  constructor(options: {
    mongo: Mongo
    delivery: Delivery
    ids: Ids
    clock: Clock
    redis: RedisStore
    log: Log
  }) {
    this.#mongo = options.mongo
    this.#delivery = options.delivery
    this.#ids = options.ids
    this.#clock = options.clock
    this.#redis = options.redis
    this.#log = options.log
    options.redis.onHealth((back) => {
      if (back) void this.#stop()
      else this.#start()
    })
    // It may have been away before anyone listened.
    if (!options.redis.isBack()) this.#start()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#stop()
  }

  #start(): void {
    if (this.#stream || this.#closed) return
    this.#from = new Timestamp({
      t: Math.floor(this.#clock.now().getTime() / 1000) - LOOK_BACK_SECONDS,
      i: 0,
    })
    this.#log.warn('redis is away: events come from the log')
    this.#open()
  }

  #open(): void {
    if (!this.#from) return
    const stream = this.#mongo.messages.watch(
      [{ $match: { operationType: { $in: ['insert', 'update', 'replace'] } } }],
      { fullDocument: 'updateLookup', startAtOperationTime: this.#from },
    )
    this.#stream = stream
    void this.#follow(stream)
  }

  async #follow(stream: ChangeStream<MessageDoc>): Promise<void> {
    try {
      for await (const change of stream) await this.#tell(change)
    } catch (err) {
      if (this.#stream !== stream || this.#closed) return
      this.#log.warn({ err }, 'the log cannot be followed, to be tried again')
      this.#stream = null
      setTimeout(() => {
        if (!this.#redis.isBack() && !this.#closed) this.#open()
      }, RETRY_MS)
    }
  }

  async #tell(change: ChangeStreamDocument<MessageDoc>): Promise<void> {
    const doc = 'fullDocument' in change ? change.fullDocument : undefined
    if (!doc || this.#stream === null) return
    const chatHex = doc.chatId.toHexString()
    const place = `${chatHex}:${doc.rev}`
    const isNew = change.operationType === 'insert'
    // The stream begins before the outage: what was told then must not come again behind what followed it.
    if (this.#told.has(place) || (isNew && this.#delivery.feeds.heard.upTo(chatHex, doc.seq))) return
    const members = await this.#mongo.members.find({ chatId: doc.chatId }).toArray()
    const first = doc.revs[0] ?? doc.rev
    const fanout = rebuiltFanout(this.#ids, chatHex, isNew ? first : first + 1, [doc], members)
    for (const event of fanout?.events ?? [])
      this.#delivery.feeds.tellFromLog(
        usersOf(fanout?.sets[event.set] ?? ''),
        parsePayload(event.payload),
        isNew ? this.#delivery.fanOut.originOf(chatHex, doc.rev) : '',
      )
    // Last: where this failed, the stream is followed again from its beginning.
    if (this.#told.size > TOLD_MAX) this.#told.clear()
    this.#told.add(place)
  }

  async #stop(): Promise<void> {
    const stream = this.#stream
    this.#stream = null
    this.#from = null
    this.#told = new Set()
    await stream?.close().catch(() => undefined)
  }
}

const UUID_LENGTH = 36

function* usersOf(joined: string): Iterable<string> {
  for (let at = 0; at < joined.length; at += UUID_LENGTH) yield joined.slice(at, at + UUID_LENGTH)
}
