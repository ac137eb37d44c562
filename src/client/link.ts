// One connection: signing in, frames with answers, and noticing that the other side is gone.
import { WebSocket } from 'ws'
import { ApiError, noAnswer, toApiError } from './api-error.ts'
import type { Frame, Login } from './model.ts'

export type LinkOptions = {
  /** The server's base URL, http or ws. */
  url: string
  token: string
  cursor?: string | null
  /** By the Authorization header of the upgrade, or by `auth:login` as the first frame. */
  via?: 'header' | 'frame'
  handshakeTimeoutMs?: number
  /** After this long without a byte the connection is taken for dead; 0 turns the watch off. */
  silenceMs?: number
  headers?: Record<string, string>
  /** Called before any event of this connection, in the same turn. */
  onLogin?: (login: Login, link: Link) => void
  onFrame: (frame: Frame) => void
  /** Sees every frame after signing in before it is parsed; true says that it has been dealt with. */
  onRaw?: (raw: Buffer) => boolean
  onClose?: (close: Close) => void
}

export type Close = { code: number; reason: string }

export type Settle = (error: ApiError | null, data: unknown) => void

const DEFAULT_HANDSHAKE_MS = 10_000
const DEFAULT_SILENCE_MS = 20_000

export class Link {
  readonly #ws: WebSocket
  readonly #options: LinkOptions
  readonly #pending = new Map<string, Settle>()
  #nextId = 1
  #lastHeard = Date.now()
  #watch: NodeJS.Timeout | null = null

  private constructor(options: LinkOptions) {
    this.#options = options
    this.#ws = new WebSocket(socketUrl(options), {
      perMessageDeflate: false,
      handshakeTimeout: options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_MS,
      headers: {
        ...options.headers,
        ...(options.via === 'frame' ? {} : { authorization: `Bearer ${options.token}` }),
      },
    })
  }

  /** Resolves when signed in; rejects with an ApiError when the server refuses or can not be reached. */
  static open(options: LinkOptions): Promise<{ link: Link; login: Login }> {
    const link = new Link(options)
    return new Promise((resolve, reject) => {
      link.#start((login) => resolve({ link, login }), reject)
    })
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#ws.bufferedAmount
  }

  /** Sends a frame that is answered exactly once; a lost connection is an answer too. */
  call(event: string, data: unknown, settle: Settle): void {
    if (!this.isOpen) {
      settle(noAnswer('the connection is closed'), null)
      return
    }
    const id = String(this.#nextId++)
    this.#pending.set(id, settle)
    this.#ws.send(JSON.stringify({ event, id, data }))
  }

  request<T>(event: string, data: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      this.call(event, data, (error, answer) => (error === null ? resolve(answer as T) : reject(error)))
    })
  }

  /** Sends a frame without an id: nothing answers it. */
  notify(event: string, data: unknown): void {
    this.sendText(JSON.stringify({ event, data }))
  }

  sendText(text: string): void {
    if (this.isOpen) this.#ws.send(text)
  }

  /** Stops reading from the socket, as a phone with a stalled link does. */
  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#lastHeard = Date.now()
    this.#ws.resume()
  }

  close(code = 1000): void {
    this.#ws.close(code)
  }

  /** Cuts the connection without a closing handshake. */
  terminate(): void {
    this.#ws.terminate()
  }

  #start(onLogin: (login: Login) => void, onRefused: (error: ApiError) => void): void {
    let isIn = false
    const enter = (login: Login): void => {
      isIn = true
      this.#options.onLogin?.(login, this)
      onLogin(login)
    }
    this.#ws.on('unexpected-response', (req, res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('close', () => {
        const text = Buffer.concat(chunks).toString()
        onRefused(toApiError(res.statusCode ?? 0, text, res.headers['retry-after'] ?? null))
        req.destroy()
      })
    })
    this.#ws.on('open', () => {
      this.#startWatch()
      if (this.#options.via === 'frame') this.#login(enter, onRefused)
    })
    this.#ws.on('message', (raw: Buffer) => {
      this.#lastHeard = Date.now()
      if (isIn && this.#options.onRaw?.(raw) === true) return
      const frame = JSON.parse(raw.toString()) as Frame
      if (frame.event === 'auth:ready' && !isIn) enter(frame.data as unknown as Login)
      else this.#receive(frame)
    })
    this.#ws.on('pong', () => {
      this.#lastHeard = Date.now()
    })
    this.#ws.on('ping', () => {
      this.#lastHeard = Date.now()
    })
    this.#ws.on('error', (err) => onRefused(noAnswer(err)))
    this.#ws.on('close', (code, reason) => {
      this.#end({ code, reason: reason.toString() }, isIn)
      if (!isIn) onRefused(noAnswer(`closed with ${code} before signing in`))
    })
  }

  #login(enter: (login: Login) => void, onRefused: (error: ApiError) => void): void {
    const { token, cursor } = this.#options
    const data = cursor === null || cursor === undefined ? { token } : { token, cursor }
    this.call('auth:login', data, (error, answer) => {
      if (error === null) enter(answer as Login)
      else onRefused(error)
    })
  }

  #receive(frame: Frame): void {
    const settle = frame.id === undefined ? undefined : this.#pending.get(String(frame.id))
    if (settle === undefined) {
      this.#options.onFrame(frame)
      return
    }
    this.#pending.delete(String(frame.id))
    if (frame.error === undefined) settle(null, frame.data)
    else settle(new ApiError(0, frame.error), null)
  }

  #end(close: Close, wasIn: boolean): void {
    if (this.#watch !== null) clearInterval(this.#watch)
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    for (const settle of waiting) settle(noAnswer(`closed with ${close.code}`), null)
    if (wasIn) this.#options.onClose?.(close)
  }

  // A stopped process or a cut cable closes nothing: only silence tells.
  #startWatch(): void {
    const silenceMs = this.#options.silenceMs ?? DEFAULT_SILENCE_MS
    if (silenceMs === 0) return
    this.#watch = setInterval(() => {
      // Who does not listen cannot tell silence.
      if (this.#ws.isPaused) return
      if (Date.now() - this.#lastHeard > silenceMs) this.#ws.terminate()
      else if (this.isOpen) this.#ws.ping()
    }, silenceMs / 3)
  }
}

function socketUrl(options: LinkOptions): URL {
  const url = new URL('/ws', options.url)
  url.protocol = url.protocol.replace('http', 'ws')
  const { cursor, via } = options
  if (via !== 'frame' && cursor !== null && cursor !== undefined) url.searchParams.set('cursor', cursor)
  return url
}
