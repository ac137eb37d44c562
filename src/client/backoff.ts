import type { Close } from './link.ts'

export type Backoff = { minMs: number; maxMs: number; random: () => number }

/** Close codes after which the same session will never get in again. */
const FINAL_CODES = new Set([4409])

export function isFinal(close: Close): boolean {
  return FINAL_CODES.has(close.code)
}

/**
 * How long to wait before the next try. A restarting server spreads its clients itself, so its hint is
 * taken as it is; otherwise the whole span is drawn at random, so that no herd comes back in step.
 */
export function retryDelayMs(close: Close | null, attempt: number, backoff: Backoff): number {
  const hint = close?.code === 1012 ? /^retry=(\d+)$/.exec(close.reason) : null
  if (hint !== null && attempt === 0) return Number(hint[1])
  const span = Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(attempt, 16))
  return Math.round(span * backoff.random())
}
