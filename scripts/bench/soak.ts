// Half of W1's rate for a long time with a storm every minute: whether memory stays flat and the loop free.
import { setTimeout as sleep } from 'node:timers/promises'
import { askHolder } from './connections/ask.ts'
import type { Backed, Opened } from './connections/words.ts'
import { measure } from './load/measure.ts'
import { pairsAt } from './plan.ts'
import type { Progress } from './progress.ts'
import { delayBetween, readLoop, type LoopDelay } from './sampling/event-loop.ts'
import { makeChats } from './stage/people.ts'
import { startScript, stopProcess } from './stage/processes.ts'
import type { Stage } from './stage/stage.ts'

/** Idle connections beside the load, all of them cut at once every minute. */
const IDLE = 1_000
export const SOAK_PEOPLE = 100 + IDLE
const MINUTE_MS = 60_000
const MIB = 2 ** 20

export type SoakResult = {
  minutes: { rssMib: number; heapMib: number; delay: LoopDelay; backIn: number | null }[]
  /** Least squares over the second half, when caches are full: MiB an hour. */
  heapGrowthMibPerHour: number
  rssGrowthMibPerHour: number
  stuck: number
  errors: number
}

export async function runSoak(
  stage: Stage,
  options: { minutes: number; ratePerSecond: number },
  progress: Progress,
): Promise<SoakResult> {
  const { ratePerSecond } = options
  const workload = pairsAt(ratePerSecond, 'soak')
  const everyone = await stage.cast.people(SOAK_PEOPLE)
  const people = everyone.slice(0, workload.people)
  const chatIds = await makeChats(stage.first.url, people, workload)
  const holder = startScript('scripts/bench/connections/holder.ts')
  try {
    const tokens = everyone.slice(workload.people).map(({ token }) => token)
    await askHolder<Opened>(holder, { type: 'open', urls: [stage.first.url], tokens, width: 32 }, () => {})
    const target = { kind: 'parley', urls: stage.urls, people, chatIds, withReceipts: true } as const
    const seconds = options.minutes * 60
    const load = measure({ workload, target, warmupSeconds: 10, seconds }, stage.pids, { progress: () => {} })
    const minutes: SoakResult['minutes'] = []
    let before = await readLoop(stage.first.url)
    for (let minute = 1; minute <= options.minutes; minute += 1) {
      const endsAt = performance.now() + MINUTE_MS
      const order = { type: 'cut', count: IDLE, jitterMs: 2_000, deadlineMs: 30_000 } as const
      const back = await askHolder<Backed>(holder, order, () => {})
      await sleep(Math.max(0, endsAt - performance.now()))
      const after = await readLoop(stage.first.url)
      const { rss, heapUsed } = await stage.first.weigh()
      const delay = delayBetween(before, after)
      minutes.push({ rssMib: rss / MIB, heapMib: heapUsed / MIB, delay, backIn: back.secondsTo99 })
      // Weighing stops the world; that stall is ours.
      before = await readLoop(stage.first.url)
      progress.say(
        `  minute ${minute}: RSS ${(rss / MIB).toFixed(0)} MiB, heap ${(heapUsed / MIB).toFixed(1)} MiB, ` +
          `longest stall ${delay.maxMs?.toFixed(0) ?? '–'} ms`,
      )
    }
    const { counts, stuck } = await load
    return {
      minutes,
      heapGrowthMibPerHour: slopePerHour(minutes.map(({ heapMib }) => heapMib)),
      rssGrowthMibPerHour: slopePerHour(minutes.map(({ rssMib }) => rssMib)),
      stuck,
      errors: counts.errors,
    }
  } finally {
    await stopProcess(holder)
  }
}

function slopePerHour(all: number[]): number {
  const values = all.slice(Math.floor(all.length / 2))
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const top = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0)
  const bottom = values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0)
  return bottom === 0 ? 0 : (top / bottom) * 60
}
