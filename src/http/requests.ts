/** The requests that a server answers right now, so that it can stop without dropping one. */
import type { Server, ServerResponse } from 'node:http'

export class Requests {
  readonly #server: Server
  readonly #open = new Set<ServerResponse>()
  #stopping = false

  /** Has to see each request before anything answers it. */
  constructor(server: Server) {
    this.#server = server
    server.prependListener('request', (_, res: ServerResponse) => {
      this.#open.add(res)
      if (this.#stopping) res.shouldKeepAlive = false
      res.once('close', () => this.#open.delete(res))
    })
  }

  /** Accepts no more connections, and resolves once everything under way is answered or the time is over. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    this.#server.close()
    // A proxy would send the next request on a connection that is about to end.
    for (const res of this.#open) if (!res.headersSent) res.shouldKeepAlive = false
    const deadline = performance.now() + timeoutMs
    while (this.#open.size > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20))
    this.#server.closeIdleConnections()
  }
}
