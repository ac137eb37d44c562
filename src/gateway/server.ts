/** Door two: upgrades, the registry of this node's sockets, and their end. */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Ctx } from '../context.ts'
import { AppError } from '../lib/errors.ts'
import { LIMITS } from '../lib/limits.ts'
import { Slices } from '../lib/slices.ts'
import { toAppError } from '../stores/failures.ts'
import type { DeviceActor } from '../wire/actor.ts'
import { readCaller } from '../wire/caller.ts'
import { CLOSE } from '../wire/close-codes.ts'
import { originAllowed } from '../wire/origin.ts'
import { Admission } from './admission.ts'
import type { Connection } from './connection.ts'
import { SocketSession } from './session.ts'

const DRAIN_MS = 4000
const GOODBYES_PER_TURN = 50
const RESTART_SPREAD_MS = 2000

export class Gateway {
  readonly #ctx: Ctx
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LIMITS.frameBytes,
    perMessageDeflate: false,
    clientTracking: false,
  })
  readonly #admission = new Admission()
  readonly #goodbyes = new Slices(GOODBYES_PER_TURN)
  readonly #sessions = new Set<SocketSession>()
  /** Signed-in sockets by their session, to end them when it ends. */
  readonly #bySession = new Map<string, Set<Connection>>()
  readonly #heartbeat: NodeJS.Timeout
  #closing = false

  constructor(ctx: Ctx) {
    this.#ctx = ctx
    this.#heartbeat = setInterval(() => {
      for (const session of this.#sessions) session.beat()
    }, LIMITS.socketPingMs)
    this.#heartbeat.unref()
    ctx.delivery.onControl('session-ended', (sessionId) => {
      ctx.accounts.sessions.markEnded([sessionId])
      this.#endSession(sessionId)
    })
    ctx.accounts.sessions.onEnded((sessionIds) => {
      for (const sessionId of sessionIds) this.#endSession(sessionId)
    })
  }

  listen(server: Server): void {
    server.on('upgrade', (req, socket, head) => {
      socket.on('error', () => undefined)
      if (req.headers.upgrade?.toLowerCase() !== 'websocket') serveWithoutUpgrade(server, req, socket, head)
      else
        this.#upgrade(req, socket, head).catch((err: unknown) => this.#refuse(req, socket, toAppError(err)))
    })
  }

  /** Answers the frames under way, then asks every client to come again, elsewhere or later. */
  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#heartbeat)
    for (const session of this.#sessions) session.pause()
    const deadline = performance.now() + DRAIN_MS
    while ([...this.#sessions].some((session) => session.pending > 0) && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10))
    for (const session of this.#sessions) session.restart(RESTART_SPREAD_MS)
    const end = performance.now() + 1500
    while (this.#sessions.size > 0 && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20))
    for (const session of this.#sessions) session.terminate()
  }

  async #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = req.url ?? '/'
    // Text like `//` is a request target but no URL.
    if (!URL.canParse(target, 'http://localhost')) throw new AppError('INVALID_INPUT', 'The path is no path.')
    const url = new URL(target, 'http://localhost')
    if (url.pathname !== '/ws') throw new AppError('RESOURCE_NOT_FOUND', 'Sockets are at /ws.')
    if (this.#closing || !this.#ctx.config.ROLES.includes('realtime'))
      throw new AppError('SERVICE_UNAVAILABLE', 'This node takes no sockets right now.', {
        retryAfterSeconds: 1,
      })
    if (!originAllowed(this.#ctx.config, req.headers.origin, req.headers.host))
      throw new AppError('PERMISSION_DENIED', 'This origin may not open sockets; see ALLOWED_ORIGINS.')
    const cursor = url.searchParams.get('cursor') ?? undefined
    for (const name of url.searchParams.keys())
      if (name !== 'cursor')
        throw new AppError('VALIDATION_ERROR', `${name.slice(0, 64)}: is not a known field`)
    const leave = this.#admission.enter()
    // However it ends: refused, broken off in the middle, or closed without ever having signed in.
    socket.once('close', leave)
    const actor = await this.#actorOf(req)
    if (cursor !== undefined) {
      if (!actor) throw new AppError('INVALID_INPUT', 'cursor: goes with an Authorization header.')
      this.#ctx.delivery.cursors.open(actor.userId, cursor)
    }
    this.#sockets.handleUpgrade(req, socket, head, (ws) => {
      const session: SocketSession = new SocketSession(this.#ctx, ws, socket, {
        admit: (signIn) => this.#admission.signIn(signIn),
        opened: (connection) => {
          leave()
          socket.off('close', leave)
          this.#opened(connection)
        },
        closed: (connection) => this.#closed(connection),
        later: (task) => this.#goodbyes.run(task),
      })
      this.#sessions.add(session)
      ws.on('close', () => this.#sessions.delete(session))
      session.start(actor, cursor)
    })
  }

  async #actorOf(req: IncomingMessage): Promise<DeviceActor | null> {
    const header = req.headers.authorization
    if (header === undefined) return null
    const token = /^Bearer (\S+)$/i.exec(header)?.[1] ?? null
    if (token === null) throw new AppError('UNAUTHORIZED', 'Send "Authorization: Bearer <access token>".')
    return this.#ctx.accounts.authenticate(token)
  }

  #opened(connection: Connection): void {
    const sockets = this.#bySession.get(connection.sessionId)
    if (sockets) sockets.add(connection)
    else this.#bySession.set(connection.sessionId, new Set([connection]))
  }

  #closed(connection: Connection): void {
    const sockets = this.#bySession.get(connection.sessionId)
    sockets?.delete(connection)
    if (sockets?.size === 0) this.#bySession.delete(connection.sessionId)
  }

  #endSession(sessionId: string): void {
    for (const connection of this.#bySession.get(sessionId) ?? [])
      connection.close(CLOSE.sessionEnded, 'session ended')
  }

  /** A refused upgrade is an HTTP answer in the envelope of the other door. */
  #refuse(req: IncomingMessage, socket: Duplex, error: AppError): void {
    const { requestId } = readCaller(req, this.#ctx.config.TRUSTED_PROXIES)
    if (error.status === 500 || error.cause !== undefined)
      this.#ctx.log.error({ err: error.cause ?? error, requestId }, 'upgrade failed')
    const body = JSON.stringify({
      success: false,
      error: {
        code: error.code,
        message: error.message,
        details: error.details,
        timestamp: new Date().toISOString(),
        requestId,
      },
    })
    socket.end(
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\n` +
        `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
        `X-Request-Id: ${requestId}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n` +
        (error.retryAfterSeconds === null ? '' : `Retry-After: ${error.retryAfterSeconds}\r\n`) +
        `Connection: close\r\n\r\n${body}`,
    )
  }
}

/** Who offers another protocol (h2c, say) is served as if he had not: the request goes back to the door for HTTP. */
function serveWithoutUpgrade(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${req.method} ${req.url} HTTP/${req.httpVersion}`]
  for (let index = 0; index + 1 < req.rawHeaders.length; index += 2) {
    const name = req.rawHeaders[index] ?? ''
    if (!/^(upgrade|connection|http2-settings)$/i.test(name))
      lines.push(`${name}: ${req.rawHeaders[index + 1]}`)
  }
  // Each such request on a connection of its own: what follows the first is not looked at for another upgrade.
  lines.push('Connection: close', '', '')
  socket.unshift(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), head]))
  server.emit('connection', socket)
}
