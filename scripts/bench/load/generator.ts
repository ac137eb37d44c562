// The load, in a process of its own. Takes one order over IPC, warms up, waits to be told to measure, reports.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FromGenerator, Order, ToGenerator } from './plan.ts'
import { connect, type Target } from './targets.ts'
import { Tracker } from './tracker.ts'

const DRAIN_MS = 5_000

const say = (message: FromGenerator): void => void process.send?.(message)

const hear = async (): Promise<ToGenerator> => (await once(process, 'message'))[0] as ToGenerator

/** Keeps the window full until stopped. */
function startClosedLoop(target: Target, tracker: Tracker, lanes: number, window: number): () => void {
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

/** Sends on schedule, whatever the answers; a late timer is made up for, so that the rate is kept. */
function startOpenLoop(target: Target, tracker: Tracker, ratePerSecond: number): () => void {
  const startedAt = performance.now()
  let number = 0
  let timer: NodeJS.Timeout | undefined
  const dueIn = (): number => startedAt + (number * 1000) / ratePerSecond - performance.now()
  const tick = (): void => {
    for (; dueIn() <= 0; number += 1) {
      tracker.sent(0, number)
      target.send(0, number)
    }
    timer = setTimeout(tick, dueIn())
  }
  tick()
  return () => clearTimeout(timer)
}

async function measure(tracker: Tracker, seconds: number): Promise<void> {
  const startedAt = performance.now()
  tracker.start()
  let before = 0
  for (let second = 1; second <= seconds; second += 1) {
    await sleep(Math.max(0, second * 1000 - (performance.now() - startedAt)))
    say({ type: 'progress', second, perSecond: tracker.completed - before })
    before = tracker.completed
  }
  const elapsed = (performance.now() - startedAt) / 1000
  say({ type: 'measured', counts: tracker.stop(), seconds: elapsed })
}

async function drain(tracker: Tracker): Promise<void> {
  const deadline = performance.now() + DRAIN_MS
  while (tracker.inFlight > 0 && performance.now() < deadline) await sleep(20)
  say({ type: 'drained', stuck: tracker.inFlight })
}

async function run(order: Order): Promise<void> {
  const { workload } = order
  const tracker = new Tracker(workload.lanes, workload.recipients)
  const target = await connect(order, tracker)
  say({ type: 'connected', sockets: target.sockets })
  const stop =
    'window' in workload.load
      ? startClosedLoop(target, tracker, workload.lanes, workload.load.window)
      : startOpenLoop(target, tracker, workload.load.ratePerSecond)
  await sleep(order.warmupSeconds * 1000)
  say({ type: 'warm' })
  await hear()
  await measure(tracker, order.seconds)
  stop()
  await drain(tracker)
  target.close()
}

// Whoever started this one also ends it; should that one be gone, there is nothing left to do.
process.once('disconnect', () => process.exit())

const order = await hear()
if (order.type === 'run') await run(order.order)
