// A device that stays connected: comes back by itself, resumes from its cursor, catches up after a reset,
// says what it has stored, and sends what it was given exactly once.
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from './api-error.ts'
import { isFinal, retryDelayMs, type Backoff } from './backoff.ts'
import { catchUpAll, catchUpChat } from './catch-up.ts'
import { Link, type Close } from './link.ts'
import type { Draft, Frame, Login, Message } from './model.ts'
import { Outbox } from './outbox.ts'
import { Replica } from './replica.ts'
import type { ParleyClient } from './rest.ts'
import type { Storage } from './storage.ts'

export type SocketOptions = {
  client: ParleyClient
  storage?: Storage
  via?: 'header' | 'frame'
  /** Without it, what was received is never acknowledged as stored (and so never `delivered`). */
  autoAck?: boolean
  /** How long what was stored waits to be acknowledged together with what comes after it. */
  ackAfterMs?: number
  /** One that outlives this socket: what it still holds goes out on the next connection. */
  outbox?: Outbox
  backoff?: Partial<Backoff>
  silenceMs?: number
  handshakeTimeoutMs?: number
}

/** A connection's work in order; after a failed catch-up the rest of that connection counts for nothing. */
type Turn = { isVoid: boolean }

const ACK_AFTER_MS = 20
const ACK_AFTER_EVENTS = 64
const GAP_PATIENCE_MS = 250
const FAREWELL_MS = 1_000

/**
 * Emits `frame` for everything as it arrives, then the event's own name once it is stored; `login`, `live`,
 * `close` (a connection ended), `connect-failed`, `caught-up`, `gap`, and `stopped` with the error when it gave up.
 */
export class ParleySocket extends EventEmitter<Record<string, unknown[]>> {
  readonly storage: Storage
  readonly outbox: Outbox
  link: Link | null = null
  readonly #options: SocketOptions
  readonly #backoff: Backoff
  readonly #steps: (() => void | Promise<void>)[] = []
  readonly #healing = new Map<string, NodeJS.Timeout>()
  readonly #stop = new AbortController()
  #isPumping = false
  #unacked = 0
  #ackTimer: NodeJS.Timeout | null = null
  #running: Promise<void> | null = null

  constructor(options: SocketOptions) {
    super()
    this.setMaxListeners(0)
    this.#options = options
    this.#backoff = { minMs: 200, maxMs: 5_000, random: Math.random, ...options.backoff }
    this.storage = options.storage ?? new Replica()
    this.outbox = options.outbox ?? new Outbox((message) => this.storage.putMessage(message))
  }

  /** Connects and stays connected until `stop`; resolves with the first sign-in, rejects when refused for good. */
  start(): Promise<Login> {
    return new Promise((resolve, reject) => {
      this.once('login', (login) => resolve(login as Login))
      this.once('stopped', (error) => reject(error as Error))
      this.#running ??= this.#run()
    })
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    const { link } = this
    link?.close()
    // A server that hangs answers no farewell.
    const hurry = setTimeout(() => link?.terminate(), FAREWELL_MS)
    for (const timer of this.#healing.values()) clearTimeout(timer)
    if (this.#ackTimer !== null) clearTimeout(this.#ackTimer)
    this.outbox.detach()
    await this.#running
    clearTimeout(hurry)
  }

  /** Sends a message; survives refusals that may be retried, and any number of reconnects. */
  send(chatId: string, draft: Draft): Promise<Message> {
    return this.outbox.send(chatId, draft)
  }

  /** One frame on the current connection; fails with it. */
  request<T>(event: string, data: unknown): Promise<T> {
    if (this.link === null) throw new ApiError(0, OFFLINE)
    return this.link.request<T>(event, data)
  }

  /** Tells the server now what has been stored, instead of with the next batch. */
  async acknowledge(): Promise<void> {
    if (this.#ackTimer !== null) clearTimeout(this.#ackTimer)
    this.#ackTimer = null
    this.#unacked = 0
    const { cursor } = this.storage
    if (cursor !== null && this.link !== null) await this.link.request('sync:ack', { cursor })
  }

  async #run(): Promise<void> {
    let attempt = 0
    while (!this.#stop.signal.aborted) {
      let close: Close | null = null
      try {
        close = await this.#connectOnce(() => {
          attempt = 0
        })
        if (isFinal(close)) return this.#giveUp(new Error(`closed with ${close.code} ${close.reason}`))
      } catch (err) {
        this.emit('connect-failed', err)
        if (!(await this.#mayRetry(err))) return this.#giveUp(err)
      }
      const delayMs = retryDelayMs(close, attempt, this.#backoff)
      attempt += 1
      await sleep(delayMs, null, { signal: this.#stop.signal }).catch(() => {})
    }
  }

  async #connectOnce(onIn: () => void): Promise<Close> {
    const { client, via, silenceMs, handshakeTimeoutMs } = this.#options
    const token = await client.accessToken()
    const turn: Turn = { isVoid: false }
    return await new Promise<Close>((resolve, reject) => {
      Link.open({
        url: client.baseUrl,
        token,
        cursor: this.storage.cursor,
        via: via ?? 'header',
        ...(silenceMs !== undefined && { silenceMs }),
        ...(handshakeTimeoutMs !== undefined && { handshakeTimeoutMs }),
        onLogin: (login, link) => {
          onIn()
          this.#onLogin(login, link, turn)
        },
        onFrame: (frame) => this.#onFrame(frame, turn),
        onClose: (close) => {
          this.link = null
          this.outbox.detach()
          this.emit('close', close)
          resolve(close)
        },
      }).catch(reject)
    })
  }

  #onLogin(login: Login, link: Link, turn: Turn): void {
    if (this.#stop.signal.aborted) {
      link.close()
      return
    }
    this.link = link
    this.storage.signedInAs(login.userId)
    this.outbox.attach(link)
    // A device without a cursor knows nothing yet, so it starts like one whose cursor was too old. The events
    // of this connection wait in line behind the catch-up: none is lost between the two.
    if (login.reset || this.storage.cursor === null) {
      this.#enqueue(turn, async () => {
        await catchUpAll(this.#options.client, this.storage)
        this.#store(login.cursor)
        this.emit('caught-up')
      })
    } else {
      // What an earlier run of this device could not fetch any more is still missing, and nothing says so again.
      for (const chatId of this.storage.chatIds()) if (this.storage.hasGap(chatId)) this.#healSoon(chatId)
    }
    this.emit('login', login)
  }

  #onFrame(frame: Frame, turn: Turn): void {
    this.emit('frame', frame)
    this.#enqueue(turn, () => {
      const chatId = frame.cursor === undefined ? null : this.storage.apply(frame)
      const cursor = frame.event === 'sync:done' ? (frame.data?.['cursor'] as string) : frame.cursor
      if (cursor !== undefined) this.#store(cursor)
      if (chatId !== null) this.#healSoon(chatId)
      if (frame.event === 'sync:done') this.emit('live')
      this.emit(frame.event, frame)
    })
  }

  #store(cursor: string): void {
    this.storage.saveCursor(cursor)
    if (this.#options.autoAck === false) return
    this.#unacked += 1
    if (this.#unacked >= ACK_AFTER_EVENTS) this.#acknowledgeQuietly()
    else
      this.#ackTimer ??= setTimeout(
        () => this.#acknowledgeQuietly(),
        this.#options.ackAfterMs ?? ACK_AFTER_MS,
      )
  }

  // A lost acknowledgement costs nothing: the next one says more.
  #acknowledgeQuietly(): void {
    this.acknowledge().catch((err: unknown) => this.emit('ack-failed', err))
  }

  // An own send whose answer is still on its way looks like a gap too, so a gap gets a moment to close.
  #healSoon(chatId: string): void {
    if (this.#healing.has(chatId)) return
    const timer = setTimeout(() => {
      this.#healing.delete(chatId)
      this.#heal(chatId).catch((err: unknown) => {
        this.emit('heal-failed', err)
        if (!this.#stop.signal.aborted) this.#healSoon(chatId)
      })
    }, GAP_PATIENCE_MS)
    this.#healing.set(chatId, timer)
  }

  async #heal(chatId: string): Promise<void> {
    this.emit('gap', chatId)
    await catchUpChat(this.#options.client, this.storage, chatId)
    this.emit('healed', chatId)
  }

  #enqueue(turn: Turn, step: () => void | Promise<void>): void {
    this.#steps.push(async () => {
      if (turn.isVoid) return
      try {
        await step()
      } catch (err) {
        turn.isVoid = true
        this.emit('step-failed', err)
        this.link?.terminate()
      }
    })
    if (!this.#isPumping) void this.#pump()
  }

  async #pump(): Promise<void> {
    this.#isPumping = true
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) await step()
    this.#isPumping = false
  }

  async #mayRetry(err: unknown): Promise<boolean> {
    if (!(err instanceof ApiError)) return false
    if (err.status !== 401 && err.code !== 'TOKEN_EXPIRED' && err.code !== 'INVALID_TOKEN') return true
    try {
      await this.#options.client.refresh()
      return true
    } catch (refusal) {
      return refusal instanceof ApiError && refusal.retryable
    }
  }

  #giveUp(err: unknown): void {
    this.#stop.abort()
    this.emit('stopped', err)
  }
}

const OFFLINE = { code: 'NETWORK', message: 'not connected', details: null, requestId: '' }
