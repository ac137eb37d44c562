// The workloads on one stage, each beside its baseline, as often as asked; and the rising rates of the chart.
import { measureLoneWrite } from './baselines/lone-write.ts'
import { measureStoresAlone } from './baselines/stores-alone.ts'
import { connectionsPeople, runConnections, type ConnectionsResult } from './connections/run.ts'
import type { LoadResult } from './load/measure.ts'
import type { Quantiles } from './load/tracker.ts'
import type { Options } from './options.ts'
import { EXTRAS, LOADS, pairsAt, W1, type Workload } from './plan.ts'
import type { Progress } from './progress.ts'
import { medianOf, type Figures, type Half } from './report/figures.ts'
import type { Runner } from './runner.ts'
import { delayBetween, readLoop, type LoopReading } from './sampling/event-loop.ts'
import { readRedisBytes } from './sampling/redis-memory.ts'
import { runSlow, SLOW_PEOPLE } from './slow/run.ts'
import type { Stage } from './stage/stage.ts'

const LONE_WRITE_EVERY_MS = 50
const TALK_SECONDS = 15
/** Of the chart: each rate twice the one before would be too coarse near the end. */
const FIRST_RATE = 500
const RATE_FACTOR = Math.SQRT2
const STEPS_MAX = 16
/** Beyond these the server does not keep up any more, and the next step would only measure its queues. */
const BROKEN_MS = 500
const KEPT_SHARE = 0.95

export type Suite = { options: Options; runner: Runner; progress: Progress }

/** Opens a stage for as long as it is used. */
export type OnStage = <T>(people: number, use: (stage: Stage) => Promise<T>) => Promise<T>

export const chosen = ({ workloads }: Options): Workload[] =>
  LOADS.filter(({ name }) => workloads.includes(name))

/**
 * Whatever weighs a server gets a fresh one each time: what an earlier load has left in its heap would hide what the
 * next one needs.
 */
export async function runSuite(suite: Suite, onStage: OnStage): Promise<Figures> {
  const { options, progress } = suite
  const loads = chosen(options)
  const has = (name: string): boolean => options.workloads.includes(name)
  const begin = (wanted: string): void => {
    const extra = EXTRAS.find(({ name }) => name === wanted)
    progress.say(`${wanted}: ${extra?.title ?? ''}`)
  }
  const figures: Figures = {}
  if (loads.length > 0 || has('half') || has('stores'))
    await onStage(Math.max(W1.people, ...loads.map(({ people }) => people)), async (stage) => {
      Object.assign(figures, await runLoads(suite, stage))
      if (loads.length > 0) figures.redisBytesPerPerson = await readRedisBytes(stage, loads)
      if (has('half')) {
        begin('half')
        figures.half = await runHalf(suite, stage, figures.loads ?? [])
      }
      if (!has('stores')) return
      begin('stores')
      figures.stores = await measureStoresAlone(stage.env, options.seconds, progress)
    })
  if (has('W4')) {
    begin('W4')
    const found: ConnectionsResult[] = []
    const { connections, holdSeconds, runs } = options
    const order = { connections, holdSeconds, talkSeconds: TALK_SECONDS }
    for (let run = 0; run < runs; run += 1)
      await onStage(connectionsPeople(connections), async (stage) => {
        found.push(await runConnections(stage, order, progress))
        figures.postgresBytesPerPerson = await stage.cast.postgresBytesPerPerson()
      })
    figures.connections = medianOf(found)
  }
  if (has('slow')) {
    begin('slow')
    figures.slow = await onStage(SLOW_PEOPLE, (stage) => runSlow(stage, options.slowMessages, progress))
  }
  return figures
}

/** The relay and the server take turns, so that a neighbour's noise falls on both. */
async function runLoads({ options, runner, progress }: Suite, stage: Stage): Promise<Figures> {
  const workloads = chosen(options)
  if (workloads.length === 0) return {}
  const loads: LoadResult[] = []
  const lone: Quantiles[] = []
  for (const workload of workloads) {
    progress.say(`${workload.name}: ${workload.title}`)
    const [relays, own]: [LoadResult[], LoadResult[]] = [[], []]
    for (let run = 0; run < options.runs; run += 1) {
      relays.push(await runner.relay(workload))
      own.push(await runner.parley(stage, workload))
      if (workload.name !== 'W2') continue
      progress.show('W2 lone write', `${options.seconds} s`)
      const { warmup: warmupSeconds, seconds } = options
      const rhythm = { everyMs: LONE_WRITE_EVERY_MS, warmupSeconds, seconds }
      lone.push(await measureLoneWrite(stage.env.MONGODB_URL, rhythm))
      progress.end()
    }
    loads.push(medianOf(relays), medianOf(own))
  }
  return { loads, ...(lone.length > 0 && { loneWriteMs: medianOf(lone) }) }
}

/** W1's rate of this very run, halved; without one, it is measured first. */
export async function halfRate({ runner }: Suite, stage: Stage, loads: LoadResult[]): Promise<number> {
  const full =
    loads.find(({ workload, target }) => workload === 'W1' && target === 'parley') ??
    (await runner.parley(stage, W1))
  return Math.max(20, Math.round(full.messagesPerSecond / 2))
}

async function runHalf(suite: Suite, stage: Stage, loads: LoadResult[]): Promise<Half> {
  const ratePerSecond = await halfRate(suite, stage, loads)
  let before: LoopReading = { buckets: [], lagMaxMs: null }
  let after = before
  const load = await suite.runner.parley(stage, pairsAt(ratePerSecond, 'half'), {
    warm: async () => {
      before = await readLoop(stage.first.url)
    },
    measured: async () => {
      after = await readLoop(stage.first.url)
    },
  })
  const delay = delayBetween(before, after)
  return { ratePerSecond, delay, receiveMs: load.counts.receiveMs }
}

/** Rising rates until the server does not keep up. */
export async function runSteps({ runner, progress }: Suite, stage: Stage): Promise<LoadResult[]> {
  const steps: LoadResult[] = []
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const rate = Math.round((FIRST_RATE * RATE_FACTOR ** step) / 50) * 50
    const found = await runner.parley(stage, pairsAt(rate, `${rate}/s`))
    steps.push(found)
    const p99 = found.counts.receiveMs?.p99 ?? Number.POSITIVE_INFINITY
    progress.say(`  ${rate} msg/s: ${Math.round(found.messagesPerSecond)} kept, p99 ${p99.toFixed(1)} ms`)
    if (p99 > BROKEN_MS || found.messagesPerSecond < rate * KEPT_SHARE) break
  }
  return steps
}
