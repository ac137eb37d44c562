/** More than so many frames a second for so long is too much (API.md §11, "Limits"). */
import { LIMITS } from '../lib/limits.ts'

const FULL = LIMITS.framesPerSecond * LIMITS.frameRateSeconds

export class FrameBudget {
  #left = FULL
  #at = performance.now()

  /** Spends one frame; false when there is none left. */
  spend(): boolean {
    const now = performance.now()
    this.#left = Math.min(FULL, this.#left + ((now - this.#at) / 1000) * LIMITS.framesPerSecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }
}
