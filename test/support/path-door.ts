// The simplest of reverse proxies for nodes that share the work: requests go to one, sockets to another.
import { createServer, request, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ServerNode } from './server-node.ts'

export type PathDoor = { url: string; close: () => void }

export async function openPathDoor(requests: ServerNode, sockets: ServerNode): Promise<PathDoor> {
  const open = new Set<Duplex>()
  const server = createServer((req, res) => {
    const { method, url: path, headers } = req
    const onward = request({ host: '127.0.0.1', port: requests.port, method, path, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.pipe(onward)
  })
  server.on('upgrade', (req: IncomingMessage, near: Duplex, head: Buffer) => {
    const far: Socket = connect(sockets.port, '127.0.0.1')
    const lines = [`${req.method} ${req.url} HTTP/1.1`]
    for (let i = 0; i < req.rawHeaders.length; i += 2)
      lines.push(`${req.rawHeaders[i]}: ${req.rawHeaders[i + 1]}`)
    far.write(`${lines.join('\r\n')}\r\n\r\n`)
    far.write(head)
    near.pipe(far).pipe(near)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const stream of open) stream.destroy()
      server.close()
    },
  }
}
