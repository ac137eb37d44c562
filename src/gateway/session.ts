/** The life of one socket before and after its sign-in: first frame, limits, dispatch, end. */
import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import type { Ctx } from '../context.ts'
import { AppError } from '../lib/errors.ts'
import { readJson } from '../lib/json.ts'
import { LIMITS } from '../lib/limits.ts'
import { toAppError } from '../stores/failures.ts'
import { socketsOpen } from '../stores/metrics.ts'
import type { DeviceActor } from '../wire/actor.ts'
import { CLOSE, retryReason } from '../wire/close-codes.ts'
import { streamCursor } from '../wire/fields.ts'
import { validate } from '../wire/validate.ts'
import { Connection } from './connection.ts'
import { ackFrame, errorFrame, readFrame, readId, runFrame, type ClientFrame } from './dispatch.ts'
import { FrameBudget } from './frame-budget.ts'

export const loginData = z.strictObject({
  token: z.string().min(1).max(4096),
  cursor: streamCursor.optional(),
})

const RETRY_SPREAD_MS = 3000

export interface SessionEvents {
  /** Runs a sign-in when its turn comes. */
  admit(signIn: () => Promise<void>): Promise<void>
  opened(connection: Connection): void
  closed(connection: Connection): void
  /** Runs what may wait until others were served. */
  later(task: () => void): void
}

export class SocketSession {
  readonly #ctx: Ctx
  readonly #socket: WebSocket
  readonly #line: Duplex
  readonly #events: SessionEvents
  readonly #budget = new FrameBudget()
  readonly #id = randomUUID()
  #connection: Connection | null = null
  #signingIn = false
  #signedIn: Promise<void> = Promise.resolve()
  #alive = true
  readonly #waiting: ClientFrame[] = []
  #running = 0
  #stopping = false
  #authTimer: NodeJS.Timeout | null = null

  constructor(ctx: Ctx, socket: WebSocket, line: Duplex, events: SessionEvents) {
    this.#ctx = ctx
    this.#socket = socket
    this.#line = line
    this.#events = events
    socket.on('message', (data, isBinary) => this.#onMessage(data as Buffer, isBinary))
    socket.on('pong', () => {
      this.#alive = true
    })
    socket.on('close', () => this.#onClose())
    // A broken frame or a cut line: the close that follows says it all.
    socket.on('error', () => undefined)
  }

  /** Frames that are being worked on. */
  get pending(): number {
    return this.#running + this.#waiting.length
  }

  /** With a token in the header the socket is signed in before its first frame. */
  start(actor: DeviceActor | null, cursor: string | undefined): void {
    if (actor) {
      this.#signingIn = true
      this.#signedIn = this.#enter(actor, cursor)
      return
    }
    this.#authTimer = setTimeout(() => void this.#giveUp(), LIMITS.socketAuthMs)
  }

  /** Ends a peer that did not answer the last ping, and pings again. */
  beat(): void {
    if (!this.#alive) {
      this.#socket.terminate()
      return
    }
    this.#alive = false
    this.#socket.ping()
  }

  /** No new frames; those under way are answered before the socket is closed. */
  pause(): void {
    this.#stopping = true
    this.#socket.pause()
  }

  restart(spreadMs: number): void {
    this.#socket.resume()
    if (this.#connection) this.#connection.close(CLOSE.restarting, retryReason(spreadMs))
    else this.#socket.close(CLOSE.restarting, retryReason(spreadMs))
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#ctx.config.RATE_LIMITS === 'on' && !this.#budget.spend()) {
      this.#socket.close(CLOSE.tooManyFrames, 'too many frames')
      return
    }
    let id: ClientFrame['id']
    let frame: ClientFrame
    try {
      if (isBinary) throw new AppError('INVALID_INPUT', 'Frames are JSON text.')
      const value = readJson(data.toString('utf8'))
      id = readId(value)
      frame = readFrame(value)
    } catch (err) {
      this.#answer(errorFrame(this.#ctx, id, err, randomUUID()))
      return
    }
    this.#waiting.push(frame)
    this.#work()
  }

  /** Reads on only when nothing waits: what one read brought may still be hundreds of frames. */
  #work(): void {
    while (this.#running < LIMITS.framesAtOnce) {
      const frame = this.#waiting.shift()
      if (!frame) break
      this.#running += 1
      this.#run(frame)
        .catch((err: unknown) => this.#answer(errorFrame(this.#ctx, frame.id, err, randomUUID())))
        .finally(() => {
          this.#running -= 1
          this.#work()
        })
    }
    if (this.#stopping) return
    if (this.#waiting.length > 0) this.#socket.pause()
    else if (this.#socket.isPaused) this.#socket.resume()
  }

  async #run(frame: ClientFrame): Promise<void> {
    // Whoever sends on without waiting for the answer to his sign-in is served once it is done.
    if (this.#signingIn && !this.#connection) await this.#signedIn
    const connection = this.#connection
    if (connection) {
      if (frame.event === 'auth:login')
        throw new AppError('CONFLICT', 'This socket is signed in already; open another one.')
      const data = await runFrame(this.#ctx, connection, frame)
      if (frame.id !== undefined) connection.write(ackFrame(frame.id, data))
      return
    }
    if (frame.event !== 'auth:login' || this.#signingIn)
      throw new AppError('UNAUTHORIZED', 'Sign in first: send auth:login with an access token.')
    this.#signingIn = true
    this.#signedIn = this.#login(frame)
    await this.#signedIn
  }

  async #giveUp(): Promise<void> {
    // A sign-in that waits for its turn is in time.
    await this.#signedIn
    if (!this.#connection) this.#socket.close(CLOSE.notAuthenticated, 'not authenticated in time')
  }

  /** The sign-in of a socket that came with its token in the header. */
  async #enter(actor: DeviceActor, cursor: string | undefined): Promise<void> {
    try {
      await this.#events.admit(() => this.#signIn(actor, cursor, undefined))
    } catch (err) {
      this.#answer(errorFrame(this.#ctx, undefined, err, randomUUID()))
      this.#socket.close(CLOSE.restarting, retryReason(RETRY_SPREAD_MS))
    }
  }

  async #login(frame: ClientFrame): Promise<void> {
    try {
      const { token, cursor } = validate(loginData, frame.data)
      await this.#events.admit(async () => {
        const actor = await this.#ctx.accounts.authenticate(token)
        await this.#signIn(actor, cursor, frame.id)
      })
    } catch (err) {
      const error = toAppError(err)
      this.#answer(errorFrame(this.#ctx, frame.id, err, randomUUID()))
      if (error.status === 401) this.#socket.close(CLOSE.notAuthenticated, 'not authenticated')
      else if (error.retryable) this.#socket.close(CLOSE.restarting, retryReason(RETRY_SPREAD_MS))
      // Anything else is the client's to correct: it may send a better login until the time is out.
      else this.#signingIn = false
    }
  }

  async #signIn(
    actor: DeviceActor,
    cursor: string | undefined,
    frameId: string | number | undefined,
  ): Promise<void> {
    const connection = new Connection(this.#ctx, this.#socket, this.#line, this.#id, actor)
    try {
      const { cursor: position, reset, follow } = await connection.join(cursor)
      if (!connection.open) {
        this.#ctx.delivery.feeds.leave(connection)
        return
      }
      if (this.#authTimer) clearTimeout(this.#authTimer)
      this.#connection = connection
      this.#events.opened(connection)
      socketsOpen.inc()
      const data = {
        userId: actor.userId,
        deviceId: actor.deviceId,
        cursor: position,
        reset,
        serverTime: this.#ctx.clock.now().toISOString(),
      }
      connection.write(
        frameId === undefined ? JSON.stringify({ event: 'auth:ready', data }) : ackFrame(frameId, data),
      )
      connection.begin(follow)
    } catch (err) {
      this.#ctx.delivery.feeds.leave(connection)
      throw err
    }
    // Answered already: whatever fails from here on must not answer a second time.
    this.#ctx.after(() => this.#welcome(connection))
  }

  async #welcome(connection: Connection): Promise<void> {
    const { userId, sessionId } = connection.actor
    // It may have ended after the token was looked at and before this socket could be found by its session.
    if (!(await this.#ctx.accounts.sessions.isLive(sessionId)))
      connection.close(CLOSE.sessionEnded, 'session ended')
    // A socket that closed meanwhile has said its good-bye; online after it would be for ever.
    if (connection.open) await this.#ctx.presence.online(userId, connection.id)
  }

  #answer(frame: string): void {
    if (this.#connection) this.#connection.write(frame)
    else if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(frame)
  }

  #onClose(): void {
    if (this.#authTimer) clearTimeout(this.#authTimer)
    const connection = this.#connection
    if (!connection) return
    socketsOpen.dec()
    this.#events.closed(connection)
    // A network that fails closes thousands in one turn; whoever is left must not wait for all the good-byes.
    this.#events.later(() => {
      this.#ctx.delivery.feeds.leave(connection)
      this.#ctx.after(async () => {
        await this.#ctx.presence.unfollow(connection.id, connection.following)
        await this.#ctx.presence.offline(connection.userId, connection.id)
      })
    })
  }
}
