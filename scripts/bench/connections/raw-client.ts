// A WebSocket client of a few lines over bare TCP: ten thousand of them must cost the machine little beside the server
// that is measured. Signs in by the header, answers pings, and hears how a refusal wants to be retried.
import { connect, type Socket } from 'node:net'

export type RawEvents = {
  /** Signed in, and with a cursor also in step again. */
  ready: (cursor: string) => void
  /** Ended before or after that; the hint says how long to wait before the next try, where there is one. */
  ended: (hintMs: number | null) => void
}

const TEXT = 1
const CLOSE = 8
const PING = 9
/** The nonce proves nothing to a client that checks nothing. */
const KEY = 'cGFybGV5LWJlbmNoLWtleQ=='

export class RawClient {
  readonly #socket: Socket
  readonly #events: RawEvents
  readonly #resumes: boolean
  #rest: Buffer | null = null
  #isUpgraded = false
  #cursor = ''
  #hintMs: number | null = null

  constructor(to: { url: URL; token: string; cursor: string | null }, events: RawEvents) {
    this.#events = events
    this.#resumes = to.cursor !== null
    const query = to.cursor === null ? '' : `?cursor=${to.cursor}`
    this.#socket = connect(Number(to.url.port), to.url.hostname)
    this.#socket.setNoDelay(true)
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#events.ended(this.#hintMs))
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes))
    this.#socket.write(
      `GET /ws${query} HTTP/1.1\r\nHost: ${to.url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer ${to.token}\r\n\r\n`,
    )
  }

  /** As a lost network does: no farewell of any kind. */
  cut(): void {
    this.#socket.resetAndDestroy()
  }

  #read(bytes: Buffer): void {
    let data = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes])
    this.#rest = null
    if (!this.#isUpgraded) {
      const end = data.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#rest = data
        return
      }
      if (!this.#readAnswer(data.toString('latin1', 0, end))) return
      data = data.subarray(end + 4)
    }
    for (;;) {
      const frame = readFrame(data)
      if (frame === null) break
      this.#onFrame(frame.opcode, frame.payload)
      data = data.subarray(frame.size)
    }
    if (data.length > 0) this.#rest = Buffer.from(data)
  }

  #readAnswer(head: string): boolean {
    this.#isUpgraded = head.startsWith('HTTP/1.1 101')
    if (this.#isUpgraded) return true
    const seconds = /^retry-after: *(\d+)/im.exec(head)?.[1]
    if (seconds !== undefined) this.#hintMs = Number(seconds) * 1000
    this.#socket.destroy()
    return false
  }

  #onFrame(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.#pong(payload)
    else if (opcode === CLOSE) {
      const hint = /retry=(\d+)/.exec(payload.toString('latin1', 2))?.[1]
      if (hint !== undefined) this.#hintMs = Number(hint)
      this.#socket.destroy()
    } else if (opcode === TEXT) this.#onText(payload.toString('latin1'))
  }

  #onText(text: string): void {
    if (text.startsWith('{"event":"auth:ready"')) {
      this.#cursor = /"cursor":"([^"]*)"/.exec(text)?.[1] ?? ''
      if (!this.#resumes) this.#events.ready(this.#cursor)
    } else if (this.#resumes && text.startsWith('{"event":"sync:done"')) this.#events.ready(this.#cursor)
  }

  // Masked with zeros, which the protocol allows and which saves the masking.
  #pong(payload: Buffer): void {
    const head = Buffer.from([0x8a, 0x80 | payload.length, 0, 0, 0, 0])
    this.#socket.write(Buffer.concat([head, payload]))
  }
}

/** The first whole frame of what was read, or null. The server sends none in pieces and none longer than 64 KiB. */
function readFrame(data: Buffer): { opcode: number; payload: Buffer; size: number } | null {
  if (data.length < 2) return null
  const opcode = data.readUInt8(0) & 0x0f
  let length = data.readUInt8(1) & 0x7f
  let at = 2
  if (length === 126) {
    if (data.length < 4) return null
    length = data.readUInt16BE(2)
    at = 4
  } else if (length === 127) {
    if (data.length < 10) return null
    length = Number(data.readBigUInt64BE(2))
    at = 10
  }
  if (data.length < at + length) return null
  return { opcode, payload: data.subarray(at, at + length), size: at + length }
}
