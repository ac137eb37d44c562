/**
 * The users that have sockets on this node, and the way of an event from this node's channel to those sockets.
 * A user's stream order is the order of his events, live and missed alike; a position per socket drops repeats.
 */
import type { Log } from '../lib/log.ts'
import { Gather } from '../lib/gather.ts'
import type { RedisStore } from '../stores/redis.ts'
import type { StreamCursors, StreamPosition } from './cursor.ts'
import { Heard } from './heard.ts'
import { parsePayload, type EncodedEvent } from './payload.ts'
import { NO_EPOCH, Seat, type Sink } from './seat.ts'
import {
  BACKLOG_PAGE,
  epochSuffix,
  type StreamEntry,
  type StreamQuestion,
  type Streams,
  type StreamState,
} from './streams.ts'

interface Feed {
  tag: Buffer
  seats: Map<string, Seat>
}

const REATTACH_BATCH = 200
/** Sign-ins in one call: as many as come at once, but not more backlogs than Redis reads in a moment. */
const JOIN_BATCH = 50
/** Entries of a backlog written before the reader is waited for: at their largest they must not be too much for it. */
const WRITE_BATCH = 32
const HEARTBEAT_MS = 30_000
const RETRY_MS = 500
const UUID_LENGTH = 36

/** Joining without streams: live events come from the log, and the next resume is a reset. */
const WITHOUT_REDIS: StreamState = { epoch: NO_EPOCH, last: 0, since: 'unknown', entries: [] }

export class Feeds {
  readonly #redis: RedisStore
  readonly #streams: Streams
  readonly #cursors: StreamCursors
  readonly #log: Log
  readonly #feeds = new Map<string, Feed>()
  readonly #joins: Gather<StreamQuestion, StreamState>
  #timer: NodeJS.Timeout | null = null
  #reattaching = false
  #again = false
  #soon = false
  #lostConnection = false
  /** How often this node's channel broke off. */
  #cuts = 0
  readonly heard = new Heard()
  /** The newest epoch heard of each partition: a seat of another one has to be caught up. */
  readonly #epochs = new Map<string, string>()

  constructor(redis: RedisStore, streams: Streams, cursors: StreamCursors, log: Log) {
    this.#redis = redis
    this.#streams = streams
    this.#cursors = cursors
    this.#log = log
    this.#joins = new Gather(JOIN_BATCH, (questions) => streams.attach(questions))
  }

  start(): void {
    this.#redis.subscriber.on('close', () => {
      this.#lostConnection = true
      this.#cuts += 1
      // Until what came by meanwhile is read, a live event would move a seat's position past it.
      for (const { seats } of this.#feeds.values())
        for (const seat of seats.values()) seat.holdUntilCaughtUp()
    })
    // Seats taken while Redis was away have no place in any stream.
    this.#redis.onHealth((back) => {
      if (back) this.reattachAll()
    })
    this.#schedule(HEARTBEAT_MS)
  }

  close(): void {
    if (this.#timer) clearTimeout(this.#timer)
  }

  /**
   * Opens a seat and reads what lies behind the cursor. Live events are held back until `goLive`: whatever comes
   * between this read and the last written entry is neither lost nor out of order.
   */
  async join(sink: Sink, position: StreamPosition | null): Promise<StreamState> {
    let feed = this.#feeds.get(sink.userId)
    if (!feed) {
      feed = { tag: this.#cursors.userTag(sink.userId), seats: new Map() }
      this.#feeds.set(sink.userId, feed)
    }
    feed.seats.set(sink.id, new Seat(sink, feed.tag, this.#cursors, this.#cuts))
    if (!this.#redis.isBack()) return WITHOUT_REDIS
    const state = await this.#joins
      .ask({ userId: sink.userId, epoch: position?.epoch ?? '', place: position?.place ?? 0 })
      .catch((err: unknown) => {
        this.#log.warn({ err }, 'a socket joined without its stream')
        this.#reattachSoon()
        return null
      })
    if (!state) return WITHOUT_REDIS
    this.#learn(sink.userId, state.epoch)
    return state
  }

  /** Writes an event that comes from the log and not from the streams, while Redis is away. */
  tellFromLog(userIds: Iterable<string>, event: EncodedEvent, origin: string): void {
    for (const userId of userIds)
      for (const seat of this.#feeds.get(userId)?.seats.values() ?? [])
        if (seat.sink.id !== origin) seat.writeFromLog(event)
  }

  /**
   * Writes entries and all that follow them, no faster than they are read, then lets live events through. Throws where
   * the stream was trimmed past a slow reader: it has to come again.
   */
  async goLive(sink: Sink, epoch: string, entries: StreamEntry[], last: number): Promise<number> {
    let page = entries
    let position = last
    for (;;) {
      for (let start = 0; start < page.length; start += WRITE_BATCH) {
        const part = page.slice(start, start + WRITE_BATCH)
        this.#seat(sink)?.writeEntries(epoch, part)
        position = part.at(-1)?.place ?? position
        await sink.drained()
      }
      const seat = this.#seat(sink)
      if (!seat) return position
      // The seat has to hold what comes before the stream is read, not after it.
      if (!seat.holdAnew() && page.length < BACKLOG_PAGE) {
        seat.epoch = epoch
        seat.moveTo(position)
        return position
      }
      const behind = await this.#streams.peek({ userId: sink.userId, epoch, place: position }, BACKLOG_PAGE)
      if (behind.since !== 'all') throw new Error('the stream no longer holds what follows')
      page = behind.entries
    }
  }

  /** Lets live events through; those that were held back go first. */
  release(sink: Sink): void {
    const seat = this.#seat(sink)
    if (seat) this.#release(seat)
  }

  leave(sink: Sink): void {
    const feed = this.#feeds.get(sink.userId)
    feed?.seats.delete(sink.id)
    if (feed?.seats.size !== 0) return
    this.#feeds.delete(sink.userId)
    // A route that stays behind costs a message to nobody; it expires.
    this.#streams.detach(sink.userId).catch(() => undefined)
  }

  /** A message of this node's channel: its form is fixed by fanout.lua and whisper.lua. */
  onNodeMessage(message: string): void {
    const lines = message.split('\n')
    const first = lines[0] ?? ''
    if (first === 'whisper') this.#onWhisper(lines)
    else this.#onDurable(first, lines)
  }

  /** This node's channel is heard again. Only now may the streams be read: the other order loses what comes between. */
  onSubscribed(): void {
    this.reattachAll()
  }

  /** The streams began anew: what the new ones hold already has to reach the seats. */
  onEpoch(said: string): void {
    const space = said.indexOf(' ')
    this.#epochs.set(said.slice(0, space), epochSuffix(said))
    this.reattachAll()
  }

  /** Registers every user again, and writes what came by meanwhile. */
  reattachAll(): void {
    if (this.#reattaching) {
      this.#again = true
      return
    }
    this.#reattaching = true
    this.#reattach()
      .then(
        () => this.#schedule(this.#again ? 0 : HEARTBEAT_MS),
        (err: unknown) => {
          this.#log.warn({ err }, 'feeds not registered, to be tried again')
          this.#schedule(RETRY_MS)
        },
      )
      .finally(() => {
        this.#reattaching = false
        this.#again = false
      })
  }

  /** A Redis that answers and refuses does not go away and come back: seats without a place are looked after anyway. */
  #reattachSoon(): void {
    if (this.#reattaching) this.#again = true
    else if (!this.#soon) this.#schedule(RETRY_MS)
    this.#soon = true
  }

  #schedule(ms: number): void {
    this.#soon = false
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.reattachAll(), ms)
    this.#timer.unref()
  }

  #onDurable(first: string, lines: string[]): void {
    const epoch = epochSuffix(first)
    for (let index = 1; index + 3 < lines.length; index += 4) {
      const origin = lines[index] ?? ''
      const place = Number(lines[index + 1])
      const event = parsePayload(lines[index + 2] ?? '')
      const feeds = this.#feedsOf(lines[index + 3] ?? '')
      if (event.mark) this.heard.note(event.mark)
      const cursors = this.#cursors.sealMany(
        epoch,
        place,
        feeds.map((feed) => feed.tag),
      )
      feeds.forEach(({ seats }, at) => {
        const told = { event, origin, epoch, place, cursor: cursors[at] ?? '' }
        for (const seat of seats.values()) seat.live(told)
      })
    }
  }

  #onWhisper(lines: string[]): void {
    const payload = lines[1] ?? ''
    const space = payload.indexOf(' ')
    const frame = `{"event":"${payload.slice(0, space)}","data":${payload.slice(space + 1)}}`
    for (const { seats } of this.#feedsOf(lines[2] ?? ''))
      for (const seat of seats.values()) seat.sink.whisper(frame)
  }

  #feedsOf(joined: string): Feed[] {
    const feeds: Feed[] = []
    for (let at = 0; at < joined.length; at += UUID_LENGTH) {
      const feed = this.#feeds.get(joined.slice(at, at + UUID_LENGTH))
      if (feed) feeds.push(feed)
    }
    return feeds
  }

  #release(seat: Seat): void {
    const missed = seat.cuts !== this.#cuts
    seat.cuts = this.#cuts
    seat.release()
    const newest = this.#epochs.get(this.#redis.partitions.of(seat.sink.userId))
    // The streams were lost, or the channel was not heard, while this seat was joining.
    const isOld = newest !== undefined && seat.epoch !== NO_EPOCH && seat.epoch !== newest
    if (missed) seat.holdUntilCaughtUp()
    if (missed || isOld) this.reattachAll()
  }

  #learn(userId: string, epoch: string): void {
    this.#epochs.set(this.#redis.partitions.of(userId), epoch)
  }

  #seat(sink: Sink): Seat | undefined {
    return this.#feeds.get(sink.userId)?.seats.get(sink.id)
  }

  async #reattach(): Promise<void> {
    const lost = this.#lostConnection
    const userIds = [...this.#feeds.keys()]
    for (let start = 0; start < userIds.length; start += REATTACH_BATCH) {
      const seats = userIds
        .slice(start, start + REATTACH_BATCH)
        .flatMap((userId) => [...(this.#feeds.get(userId)?.seats.values() ?? [])])
        .filter((seat) => seat.state !== 'joining')
      if (seats.length === 0) continue
      // Between the registration and this node's reading of the answer live events may already come.
      for (const seat of seats) seat.state = 'catching'
      const cuts = this.#cuts
      const states = await this.#streams.attach(
        seats.map((seat) => ({ userId: seat.sink.userId, epoch: seat.epoch, place: seat.position })),
      )
      seats.forEach((seat, index) => {
        const state = states[index]
        if (!state) return
        // An epoch that began while this node's channel was not heard is learned here.
        this.#learn(seat.sink.userId, state.epoch)
        this.#catchUp(seat, lost, cuts, state)
      })
    }
    // Until this node's channel is heard again, more may be on its way past it.
    if (this.#redis.subscriber.status === 'ready') this.#lostConnection = false
  }

  #catchUp(seat: Seat, lost: boolean, cuts: number, state: StreamState): void {
    // Where the connection and the streams are both gone, what was on its way to this node cannot be known.
    const hopeless =
      seat.epoch === NO_EPOCH || state.since === 'unknown' || (state.since === 'new-epoch' && lost)
    if (hopeless || state.entries.length >= BACKLOG_PAGE) {
      seat.sink.restart()
      return
    }
    if (state.since === 'new-epoch') seat.position = 0
    seat.epoch = state.epoch
    seat.writeEntries(state.epoch, state.entries)
    seat.moveTo(state.last)
    seat.cuts = cuts
    this.#release(seat)
  }
}
