// A socket without a client's manners: any header, any bytes, and what came back.
import { WebSocket } from 'ws'
import type { Frame } from '../../src/client/model.ts'
import { until } from './until.ts'

export class RawSocket {
  readonly frames: Frame[] = []
  closed: { code: number; reason: string } | null = null
  readonly #ws: WebSocket

  private constructor(ws: WebSocket) {
    this.#ws = ws
    ws.on('message', (raw: Buffer) => this.frames.push(JSON.parse(raw.toString()) as Frame))
    ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
    })
    ws.on('error', () => {})
  }

  /** The open socket, or the HTTP status of the refused upgrade. */
  static open(url: string, headers: Record<string, string> = {}, query = ''): Promise<RawSocket | number> {
    const ws = new WebSocket(`${url.replace('http', 'ws')}/ws${query}`, { headers, perMessageDeflate: false })
    const socket = new RawSocket(ws)
    return new Promise((resolve, reject) => {
      ws.once('open', () => resolve(socket))
      ws.once('unexpected-response', (req, res) => {
        resolve(res.statusCode ?? 0)
        req.destroy()
      })
      ws.once('error', reject)
    })
  }

  static async mustOpen(url: string, headers: Record<string, string> = {}, query = ''): Promise<RawSocket> {
    const socket = await RawSocket.open(url, headers, query)
    if (typeof socket === 'number') throw new Error(`the upgrade was refused with ${socket}`)
    return socket
  }

  send(value: unknown): void {
    this.#ws.send(typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value))
  }

  close(): void {
    this.#ws.close()
  }

  async frame(what: string, predicate: (frame: Frame) => boolean): Promise<Frame> {
    return await until(what, () => this.frames.find(predicate))
  }

  async closing(timeoutMs = 10_000): Promise<{ code: number; reason: string }> {
    return await until('the server closes the socket', () => this.closed, { timeoutMs })
  }
}
