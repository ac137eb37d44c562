/** One socket that stays: log in first, match acks by id, come back with backoff and resume from the cursor. */
import { ApiError } from './api.js'

const ACK_TIMEOUT_MS = 10_000
const SILENCE_MS = 45_000
const BACKOFF_FIRST_MS = 500
const BACKOFF_MAX_MS = 20_000

const CLOSE = { notAuthenticated: 4401, sessionEnded: 4409, tooManyFrames: 4429, restarting: 1012 }
const STALE_TOKEN = new Set(['UNAUTHORIZED', 'INVALID_TOKEN', 'TOKEN_EXPIRED'])

/**
 * `hooks`: accessToken({fresh}), cursor(), onReady(login), onBadCursor(), onEvent(frame), onPhase(phase),
 * onSessionEnd(sentence), onFrame(direction, frame). Phases: connecting, catching-up, online, waiting {retryAt}, stopped.
 */
export function createSocket(hooks) {
  let socket = null
  let attempts = 0
  let wanted = false
  let retryTimer = 0
  let lastHeard = 0
  let nextId = 0
  let freshToken = false
  const waiting = new Map()

  function start() {
    wanted = true
    if (socket === null) void open()
  }

  function stop() {
    wanted = false
    clearTimeout(retryTimer)
    socket?.close(1000)
    hooks.onPhase({ name: 'stopped' })
  }

  async function open() {
    clearTimeout(retryTimer)
    hooks.onPhase({ name: 'connecting' })
    let token
    try {
      token = await hooks.accessToken({ fresh: freshToken })
      freshToken = false
    } catch (error) {
      if (error.status !== 401) retryLater()
      return
    }
    if (!wanted || socket !== null) return
    const mine = new WebSocket(`${location.origin.replace(/^http/u, 'ws')}/ws`)
    socket = mine
    mine.addEventListener('open', () => void logIn(token))
    mine.addEventListener('message', (message) => socket === mine && receive(message.data))
    mine.addEventListener('close', (close) => socket === mine && closed(close))
  }

  async function logIn(token) {
    const mine = socket
    const cursor = hooks.cursor()
    try {
      const login = await request('auth:login', cursor === null ? { token } : { token, cursor })
      if (socket !== mine) return
      attempts = 0
      // With a cursor the server replays what was missed and ends it with sync:done; without one it is live at once.
      hooks.onPhase({ name: cursor === null ? 'online' : 'catching-up' })
      hooks.onReady({ ...login, resumed: cursor !== null })
    } catch (error) {
      if (error.code === 'INVALID_INPUT' && cursor !== null) hooks.onBadCursor()
      if (STALE_TOKEN.has(error.code)) freshToken = true
      mine.close(1000)
    }
  }

  function receive(text) {
    lastHeard = Date.now()
    let frame
    try {
      frame = JSON.parse(text)
    } catch {
      return
    }
    hooks.onFrame('in', frame)
    const waiter = frame.id === undefined ? undefined : waiting.get(frame.id)
    if (waiter !== undefined) {
      waiting.delete(frame.id)
      clearTimeout(waiter.timer)
      if (frame.event === 'ack') waiter.resolve(frame.data)
      else waiter.reject(toError(frame.error))
      return
    }
    if (frame.event === 'sync:done') hooks.onPhase({ name: 'online' })
    hooks.onEvent(frame)
  }

  function closed({ code, reason }) {
    socket = null
    for (const waiter of waiting.values()) {
      clearTimeout(waiter.timer)
      waiter.reject(unreachable())
    }
    waiting.clear()
    if (!wanted) return
    if (code === CLOSE.sessionEnded) {
      wanted = false
      hooks.onSessionEnd('This session was ended. Please sign in again.')
      return
    }
    if (code === CLOSE.notAuthenticated) freshToken = true
    if (code === CLOSE.tooManyFrames) attempts += 3
    const hint =
      code === CLOSE.restarting ? Number(/^retry=(\d+)$/u.exec(reason)?.[1] ?? Number.NaN) : Number.NaN
    retryLater(Number.isNaN(hint) ? undefined : hint)
  }

  function retryLater(hintMs) {
    if (!wanted) return
    const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempts)
    attempts = Math.min(attempts + 1, 10)
    // Jitter: after a restart all clients come back at once, and each must choose another moment.
    const delay = hintMs ?? ceiling * (0.5 + Math.random() / 2)
    hooks.onPhase({ name: 'waiting', retryAt: Date.now() + delay })
    clearTimeout(retryTimer)
    retryTimer = setTimeout(() => void open(), delay)
  }

  function reconnectNow() {
    if (!wanted) return
    attempts = 0
    if (socket === null) {
      void open()
      return
    }
    const stale = socket
    stale.close(1000)
    // A link that died silently may hold the close handshake for a minute; the tab does not wait for it.
    if (socket === stale) closed({ code: 1006, reason: '' })
  }

  /** Sends a frame and waits for its one answer. */
  function request(event, data, timeoutMs = ACK_TIMEOUT_MS) {
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(unreachable())
    nextId += 1
    const id = String(nextId)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id)
        reject(unreachable())
        reconnectNow()
      }, timeoutMs)
      waiting.set(id, { resolve, reject, timer })
      write({ event, id, data })
    })
  }

  /** Sends a frame that nobody waits for; false when the socket is not open. */
  function notify(event, data = {}) {
    if (socket?.readyState !== WebSocket.OPEN) return false
    write({ event, data })
    return true
  }

  function write(frame) {
    hooks.onFrame('out', frame)
    socket.send(JSON.stringify(frame))
  }

  // A browser cannot ping. Asking after a long silence finds a link that is dead without having been closed.
  setInterval(() => {
    if (socket?.readyState !== WebSocket.OPEN || document.visibilityState !== 'visible') return
    if (Date.now() - lastHeard > SILENCE_MS) request('user:online', {}, 8_000).catch(() => {})
  }, 15_000)
  addEventListener('online', () => socket === null && reconnectNow())

  return { start, stop, request, notify, reconnectNow }
}

function toError(error) {
  return new ApiError({ status: 400, ...error })
}

function unreachable() {
  return new ApiError({ code: 'UNREACHABLE', message: 'The connection was lost.', retryable: true })
}
