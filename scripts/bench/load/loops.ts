// The two ways to load: as fast as answers come, or as fast as a clock says.
import type { Target } from './targets.ts'
import type { Tracker } from './tracker.ts'

/** Keeps the window of every lane full until stopped. */
export function startClosedLoop(target: Target, tracker: Tracker, lanes: number, window: number): () => void {
  let isRunning = true
  const next = Array.from({ length: lanes }, () => 0)
  const push = (lane: number): void => {
    const number = next[lane] ?? 0
    next[lane] = number + 1
    tracker.sent(lane, number)
    target.send(lane, number)
  }
  tracker.onDone = (lane) => {
    if (isRunning) push(lane)
  }
  for (let lane = 0; lane < lanes; lane += 1) for (let i = 0; i < window; i += 1) push(lane)
  return () => {
    isRunning = false
  }
}

/** Sends on schedule, lane after lane, whatever the answers; a late timer is made up for, so that the rate is kept. */
export function startOpenLoop(
  target: Target,
  tracker: Tracker,
  lanes: number,
  ratePerSecond: number,
): () => void {
  const startedAt = performance.now()
  let number = 0
  let timer: NodeJS.Timeout | undefined
  const dueAt = (): number => startedAt + (number * 1000) / ratePerSecond
  const tick = (): void => {
    for (; dueAt() <= performance.now(); number += 1) {
      const lane = number % lanes
      const place = Math.floor(number / lanes)
      tracker.sent(lane, place)
      target.send(lane, place)
    }
    timer = setTimeout(tick, dueAt() - performance.now())
  }
  tick()
  return () => clearTimeout(timer)
}
