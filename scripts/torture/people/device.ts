// One device of a person: a conforming client whose every step is recorded. It goes through one door until that
// fails it, keeps its outbox and its cursor over being offline, and repeats whatever may be repeated.
import { mkdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError } from '../../../src/client/api-error.ts'
import type { Close } from '../../../src/client/link.ts'
import type { Frame, Login, Message } from '../../../src/client/model.ts'
import { Outbox } from '../../../src/client/outbox.ts'
import { ParleyClient } from '../../../src/client/rest.ts'
import { ParleySocket } from '../../../src/client/socket.ts'
import type { History } from '../history/history.ts'
import type { Random } from '../random.ts'
import { Memory, type Names } from './memory.ts'

/** What all devices of a run have in common. */
export type Stage = {
  doors: string[]
  folder: string
  history: History
  names: Names
  random: Random
  /** Set once the run is over: nothing is repeated any longer. */
  ended: AbortController
}

const REST_TIMEOUT_MS = 5_000
const HANDSHAKE_TIMEOUT_MS = 3_000
const SILENCE_MS = 4_000
const ACK_AFTER_MS = 400
const BACKOFF = { minMs: 100, maxMs: 1_500 }
const CURSOR_SAVED_MS = 1_000

export class Device {
  readonly name: string
  readonly person: string
  readonly client: ParleyClient
  readonly memory: Memory
  readonly outbox: Outbox
  door: number
  isOnline = false
  isReady = false
  /** Its session was ended, or the server would not have it any more. */
  isOut = false
  readonly #stage: Stage
  readonly #isPinned: boolean
  readonly #sentAt = new Map<string, number>()
  readonly #cursorPath: string
  #socket: ParleySocket | null = null
  #slowUntil = 0
  #lastNumber = 0
  #savedCursor: string | null = null

  constructor(
    stage: Stage,
    person: string,
    name: string,
    door: number,
    options: { isPinned?: boolean } = {},
  ) {
    this.#stage = stage
    this.#isPinned = options.isPinned ?? false
    this.person = person
    this.name = name
    this.door = door
    const { history, names } = stage
    this.client = new ParleyClient({ baseUrl: () => this.#url(), timeoutMs: REST_TIMEOUT_MS })
    this.memory = new Memory(name, history, names)
    this.outbox = new Outbox((message) => this.memory.putMessage(message), {
      onTransmitted: (_, clientId) => this.#sentAt.set(clientId, history.now()),
      onRefused: (chatId, clientId, error) => this.refused(names.chat(chatId), clientId, error, 'plain'),
    })
    const folder = join(stage.folder, 'cursors')
    mkdirSync(folder, { recursive: true })
    this.#cursorPath = join(folder, name)
  }

  /** Whether something can be asked of it now. */
  get isUp(): boolean {
    return this.isOnline && !this.isOut && this.#socket?.link?.isOpen === true
  }

  /** Joins the run, signed in. */
  enter(): void {
    const { history } = this.#stage
    history.record({ kind: 'device', at: history.now(), device: this.name, person: this.person })
    this.goOnline()
  }

  /** Comes back with what the disk has: the cursor may be a little older than the messages. */
  goOnline(): void {
    if (this.isOnline || this.isOut) return
    this.isOnline = true
    if (this.#savedCursor !== null) this.memory.cursor = readFileSync(this.#cursorPath, 'utf8')
    this.#socket = this.#newSocket()
    this.#socket.start().catch(() => {})
    void this.#saveCursors(this.#socket)
  }

  async goOffline(): Promise<void> {
    const socket = this.#socket
    this.isOnline = false
    this.#socket = null
    await socket?.stop()
  }

  /** Cuts the connection; the client comes back by itself. */
  cut(): void {
    this.#socket?.link?.terminate()
  }

  /** Stops reading for a while. */
  readSlowly(ms: number): void {
    const { history } = this.#stage
    this.#slowUntil = history.now() + ms
    history.record({ kind: 'slow', at: history.now(), device: this.name, until: this.#slowUntil })
    this.#socket?.link?.pause()
    setTimeout(() => this.#socket?.link?.resume(), ms).unref()
  }

  /** The next id of a message of this device; later ones sort behind earlier ones by number. */
  nextId(): string {
    this.#lastNumber += 1
    return `${this.name}.${this.#lastNumber}`
  }

  /** Sends by the outbox; null where the server refused for good. */
  async send(chatId: string, content: string, clientId: string): Promise<Message | null> {
    const { history, names } = this.#stage
    const chat = names.chat(chatId)
    this.memory.unanswered.add(clientId)
    history.record({
      kind: 'sent',
      at: history.now(),
      device: this.name,
      chat,
      clientId,
      content,
      play: 'plain',
    })
    try {
      const message = await this.outbox.send(chatId, { clientMessageId: clientId, content })
      const { seq, id } = message
      history.record({
        kind: 'acked',
        at: history.now(),
        device: this.name,
        chat,
        clientId,
        seq,
        id,
        play: 'plain',
      })
      return message
    } catch {
      return null
    } finally {
      this.memory.unanswered.delete(clientId)
      this.#sentAt.delete(clientId)
    }
  }

  /** One frame on the socket, or an error without one. */
  async ask<T>(event: string, data: unknown): Promise<T> {
    const link = this.#socket?.link
    if (link === null || link === undefined) throw new Error('offline')
    return await link.request<T>(event, data)
  }

  /** Repeats a request that may be repeated until it is answered for good. Null where the run ended before. */
  async persist<T>(request: () => Promise<T>): Promise<T | null> {
    while (!this.#stage.ended.signal.aborted && !this.isOut) {
      try {
        return await request()
      } catch (err) {
        if (!(err instanceof ApiError) || !err.retryable) throw err
        this.rotate()
        await sleep(200 + this.#stage.random.between(0, 400))
      }
    }
    return null
  }

  refused(chat: string, clientId: string, error: ApiError, play: 'plain' | 'twice' | 'late' | 'other'): void {
    const { history } = this.#stage
    const at = history.now()
    const { code, retryable } = error
    const since = this.#sentAt.get(clientId) ?? at
    history.record({ kind: 'refused', at, since, device: this.name, chat, clientId, code, retryable, play })
  }

  rotate(): void {
    if (!this.#isPinned) this.door = (this.door + 1) % this.#stage.doors.length
  }

  #url(): string {
    return this.#stage.doors[this.door] ?? ''
  }

  #newSocket(): ParleySocket {
    const { history } = this.#stage
    const socket = new ParleySocket({
      client: this.client,
      storage: this.memory,
      outbox: this.outbox,
      ackAfterMs: ACK_AFTER_MS,
      backoff: { ...BACKOFF, random: () => 0.25 + Math.random() * 0.75 },
      silenceMs: SILENCE_MS,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
    })
    const device = this.name
    let isFresh = false
    const ready = (): void => {
      this.isReady = true
      history.record({ kind: 'ready', at: history.now(), device })
    }
    socket.on('login', (login) => {
      const { reset } = login as Login
      isFresh = reset || this.memory.cursor === null
      this.isReady = false
      history.record({ kind: 'connected', at: history.now(), device, door: this.door, reset: isFresh })
      if (history.now() < this.#slowUntil) socket.link?.pause()
    })
    socket.on('frame', (frame) => this.memory.arrived(frame as Frame))
    socket.on('live', () => {
      if (!isFresh) ready()
    })
    socket.on('caught-up', ready)
    socket.on('close', (close) => {
      this.isReady = false
      history.record({ kind: 'disconnected', at: history.now(), device, code: (close as Close).code })
      this.rotate()
    })
    socket.on('connect-failed', () => this.rotate())
    socket.on('heal-failed', () => this.rotate())
    socket.on('stopped', () => {
      this.isOut = true
      this.isReady = false
    })
    return socket
  }

  async #saveCursors(socket: ParleySocket): Promise<void> {
    while (this.#socket === socket) {
      const { cursor } = this.memory
      if (cursor !== null && cursor !== this.#savedCursor) {
        await writeFile(this.#cursorPath, cursor)
        this.#savedCursor = cursor
      }
      await sleep(CURSOR_SAVED_MS, null, { ref: false })
    }
  }
}
