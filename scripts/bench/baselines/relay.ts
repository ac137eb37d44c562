// The baseline: forwards a frame to its recipients and answers the sender. No sign-in, no store, no order:
// what any socket server in this language must do at the least.
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

const sockets = new Map<string, WebSocket>()
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: false,
  maxPayload: 65_536,
})

server.on('connection', (socket, req) => {
  const name = new URL(req.url ?? '/', 'http://relay').searchParams.get('name') ?? ''
  sockets.set(name, socket)
  socket.on('close', () => sockets.delete(name))
  socket.on('message', (raw: Buffer) => {
    const frame = JSON.parse(raw.toString()) as { to: string; id: string; text: string }
    const bytes = Buffer.from(JSON.stringify({ from: name, id: frame.id, text: frame.text }))
    if (frame.to === '*') {
      for (const other of sockets.values()) if (other !== socket) other.send(bytes, { binary: false })
    } else sockets.get(frame.to)?.send(bytes, { binary: false })
    socket.send(JSON.stringify({ ack: frame.id }))
  })
})

process.once('disconnect', () => process.exit())

server.on('listening', () => {
  const { port } = server.address() as AddressInfo
  process.send?.({ url: `ws://127.0.0.1:${port}` })
})
