import { isPortFree } from '../../stores/ports.ts'

/**
 * Below the range from which the kernel draws ports for outgoing connections: while a store is down, one of those could
 * otherwise sit on its port, or a client's retry connect to itself.
 */
const FIRST = 14_000
const LAST = 31_000

/** Hands out ports on which nothing listens, each once. */
export class Ports {
  #next = FIRST + Math.floor(Math.random() * (LAST - FIRST - 1_000))

  async take(): Promise<number> {
    for (let tries = 0; tries < 1_000; tries += 1) {
      const port = this.#next
      this.#next = port >= LAST ? FIRST : port + 1
      if (await isPortFree(port)) return port
    }
    throw new Error('no free port on 127.0.0.1')
  }
}
