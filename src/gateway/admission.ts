/**
 * How many may be on their way in at once. When a node ends, thousands come to the others: sign-ins are worked off a
 * few at a time, so that those who are signed in are served all the while, and whoever would have to wait for long is
 * told at once to come later.
 */
import { randomInt } from 'node:crypto'
import { AppError } from '../lib/errors.ts'
import { LIMITS } from '../lib/limits.ts'
import { socketsRefused } from '../stores/metrics.ts'

/** Retries that come together again would be the same storm a second later. */
const RETRY_SECONDS_MAX = 3

export class Admission {
  #strangers = 0
  #signingIn = 0
  readonly #queue = new Set<() => void>()

  /** Room for one more socket that is not signed in; throws where there is none. The answer gives the room back. */
  enter(): () => void {
    if (this.#strangers >= LIMITS.socketsSigningInMax) throw refused('full')
    this.#strangers += 1
    let inside = true
    return () => {
      if (inside) this.#strangers -= 1
      inside = false
    }
  }

  /** Runs a sign-in when its turn comes; throws where that would be too late. */
  async signIn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#signingIn >= LIMITS.signInsAtOnce) await this.#turn()
    else this.#signingIn += 1
    try {
      return await work()
    } finally {
      // Not before the others were looked at: thousands of sign-ins must not be one turn of the loop.
      setImmediate(() => this.#next())
    }
  }

  #turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#queue.delete(start)
        reject(refused('waited'))
      }, LIMITS.signInWaitMs)
      const start = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#queue.add(start)
    })
  }

  /** The place goes to the one that has waited longest. */
  #next(): void {
    const [start] = this.#queue
    if (!start) {
      this.#signingIn -= 1
      return
    }
    this.#queue.delete(start)
    start()
  }
}

function refused(reason: 'full' | 'waited'): AppError {
  socketsRefused.inc({ reason })
  return new AppError('SERVICE_UNAVAILABLE', 'Too many are signing in right now; come again.', {
    retryAfterSeconds: randomInt(1, RETRY_SECONDS_MAX + 1),
  })
}
