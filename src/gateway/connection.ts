/** One socket: its frames in and out, its limits, its place in the user's events. */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Ctx } from '../context.ts'
import type { EncodedEvent, Sink, StreamState } from '../delivery/index.ts'
import { unavailable } from '../lib/errors.ts'
import { LIMITS } from '../lib/limits.ts'
import { framesSent, socketsTooSlow } from '../stores/metrics.ts'
import type { DeviceActor } from '../wire/actor.ts'
import { CLOSE, retryReason } from '../wire/close-codes.ts'
import type { FrameConnection } from '../wire/frame.ts'
import { SendOrder } from '../wire/send-order.ts'
import { eventFrame } from './event-frame.ts'
import { Unacknowledged } from './unacknowledged.ts'

const RESTART_SPREAD_MS = 2000
/** Written in one turn at most before the kernel gets it. */
const PACKET_BYTES = 64 * 1024

/** A signed-in socket. */
export class Connection implements FrameConnection, Sink {
  readonly id: string
  readonly actor: DeviceActor
  readonly order = new SendOrder()
  readonly following = new Set<string>()
  readonly #ctx: Ctx
  readonly #socket: WebSocket
  readonly #line: Duplex
  #corked = false
  readonly #unacknowledged: Unacknowledged
  #resuming: Promise<unknown> = Promise.resolve()

  constructor(ctx: Ctx, socket: WebSocket, line: Duplex, id: string, actor: DeviceActor) {
    this.#ctx = ctx
    this.#socket = socket
    this.#line = line
    this.id = id
    this.actor = actor
    this.#unacknowledged = new Unacknowledged(ctx, actor.userId)
  }

  get userId(): string {
    return this.actor.userId
  }

  get sessionId(): string {
    return this.actor.sessionId
  }

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  readonly whisper = (frame: string): void => {
    this.write(frame)
  }

  /** Writes a frame, or gives up on a reader that is too slow: it resumes from its cursor. */
  write(frame: string): void {
    if (this.#ready()) this.#socket.send(frame, { binary: false })
  }

  #ready(): boolean {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return false
    // What the kernel would take at once must not count against the reader.
    if (socket.bufferedAmount > PACKET_BYTES) this.#uncork()
    if (socket.bufferedAmount > LIMITS.socketBufferBytes) {
      socketsTooSlow.inc()
      this.close(CLOSE.tooSlow, 'too slow')
      return false
    }
    this.#cork()
    return true
  }

  /**
   * Waits until a reader that is behind has taken everything. One that takes nothing misses its pings and is ended by
   * that.
   */
  async drained(): Promise<void> {
    if (this.#socket.bufferedAmount <= PACKET_BYTES) return
    this.#uncork()
    if (!this.#line.writableNeedDrain || this.#line.destroyed) return
    await new Promise<void>((resolve) => {
      const settle = () => {
        this.#line.off('drain', settle).off('close', settle)
        resolve()
      }
      this.#line.on('drain', settle).on('close', settle)
    })
  }

  /**
   * Frames that are written together leave in one packet, a batch of messages in one system call, and they leave
   * before anything else is begun: an answer must not wait for the fan-out of what it answers.
   */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#line.cork()
    process.nextTick(() => this.#uncork())
  }

  #uncork(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#line.uncork()
  }

  push(event: EncodedEvent, cursor: string, place: number): void {
    framesSent.inc()
    if (this.#ready()) for (const part of eventFrame(event, cursor)) this.#line.write(part)
    if (!event.mark || event.mark.senderId === this.userId) return
    this.#unacknowledged.note(place, event.mark)
  }

  restart(): void {
    this.close(CLOSE.restarting, retryReason(RESTART_SPREAD_MS))
  }

  close(code: number, reason: string): void {
    const socket = this.#socket
    if (socket.readyState !== socket.OPEN) return
    socket.close(code, reason)
    // A peer that does not answer the close is cut off; a slow one's buffer must not be kept for it.
    setTimeout(() => socket.terminate(), code === CLOSE.tooSlow ? 200 : 2000).unref()
  }

  /** Takes the place after a cursor, or the present one. What was missed is written by `follow`, after the answer. */
  async join(
    cursor: string | undefined,
  ): Promise<{ cursor: string; reset: boolean; follow: () => Promise<void> }> {
    const { cursors, feeds } = this.#ctx.delivery
    const position = cursor === undefined ? null : cursors.open(this.userId, cursor)
    const state = await feeds.join(this, position).catch((err: unknown) => {
      throw unavailable('Events cannot be followed right now; connect again.', err)
    })
    const resumed = position !== null && state.since === 'all'
    const reset = position !== null && !resumed
    const last = resumed ? position.place : state.last
    if (reset) await this.#unacknowledged.resetAt(state.last)
    else this.#unacknowledged.resumed()
    return {
      cursor: cursors.seal(cursors.userTag(this.userId), state.epoch, last),
      reset,
      follow: () => this.#follow(state, resumed, last, cursor !== undefined),
    }
  }

  /** Writes what was missed before the first resume may begin. */
  begin(follow: () => Promise<void>): void {
    this.#resuming = follow()
  }

  /** One after the other: a second resume begins when the first one's backlog is written. */
  async resume(cursor: string): Promise<{ cursor: string; reset: boolean }> {
    const joining = this.#resuming.then(() => this.join(cursor))
    this.#resuming = this.#afterAnswer(joining)
    const { follow: _, ...answer } = await joining
    // It closed meanwhile, and its seat was given up before it was taken again.
    if (!this.open) this.#ctx.delivery.feeds.leave(this)
    return answer
  }

  async acknowledge(cursor: string): Promise<void> {
    await this.#unacknowledged.acknowledge(this.#ctx.delivery.cursors.open(this.userId, cursor).place)
  }

  async #afterAnswer(joining: Promise<{ follow: () => Promise<void> }>): Promise<void> {
    const joined = await joining.catch(() => null)
    // The answer has to be on its way before the first event is.
    await new Promise((resolve) => setImmediate(resolve))
    await joined?.follow()
  }

  async #follow(state: StreamState, resumed: boolean, last: number, done: boolean): Promise<void> {
    const { cursors, feeds } = this.#ctx.delivery
    try {
      const end = await feeds.goLive(this, state.epoch, resumed ? state.entries : [], last)
      if (done) {
        const cursor = cursors.seal(cursors.userTag(this.userId), state.epoch, end)
        this.write(JSON.stringify({ event: 'sync:done', data: { cursor } }))
      }
      feeds.release(this)
    } catch (err) {
      // Half a backlog was written: the client resumes from where it got to.
      this.#ctx.log.warn({ err }, 'backlog not written')
      this.restart()
    }
  }
}
