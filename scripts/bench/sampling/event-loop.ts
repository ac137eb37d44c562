// Stalls of the server's event loop, as it exports them itself: between two readings.
export type LoopDelay = {
  /** Bounds of the histogram's buckets: not later than this. */
  p99Ms: number | null
  p999Ms: number | null
  maxMs: number | null
}

export type LoopReading = { buckets: [le: number, count: number][]; lagMaxMs: number | null }

/** The process's own gauge counts a timer's whole 10 ms. */
const RESOLUTION_MS = 10

/** Reading starts a new window for the longest stall. */
export async function readLoop(url: string): Promise<LoopReading> {
  const response = await fetch(`${url}/metrics`)
  const text = response.ok ? await response.text() : ''
  const lines = text.matchAll(/^parley_event_loop_delay_seconds_bucket\{le="([^"]+)"\} (\S+)$/gm)
  const lagMax = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]
  return {
    buckets: [...lines].map(([, le = '', count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)]),
    lagMaxMs: lagMax === undefined ? null : Math.max(0, Number(lagMax) * 1000 - RESOLUTION_MS),
  }
}

export function delayBetween(before: LoopReading, after: LoopReading): LoopDelay {
  const counts = after.buckets.map(([le, count], i) => [le, count - (before.buckets[i]?.[1] ?? 0)] as const)
  const total = counts.at(-1)?.[1] ?? 0
  const boundOf = (share: number): number | null => {
    if (total === 0) return null
    const [le] = counts.find(([, count]) => count >= total * share) ?? [Infinity]
    return le * 1000
  }
  return { p99Ms: boundOf(0.99), p999Ms: boundOf(0.999), maxMs: after.lagMaxMs ?? boundOf(1) }
}
