import { setTimeout as sleep } from 'node:timers/promises'

export type UntilOptions = { timeoutMs?: number; intervalMs?: number }

/** Waits for a condition instead of for a time; the error says what was waited for and what was seen last. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, intervalMs = 25 } = options
  const deadline = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value !== false && value !== null && value !== undefined) return value
      last = value
    } catch (err) {
      last = err
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms; last seen: ${String(last)}`, { cause: last })
    }
    await sleep(intervalMs)
  }
}
