// The load, in a process of its own. Takes one order over IPC, warms up, waits to be told to measure, reports.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FromGenerator, Order, ToGenerator } from '../plan.ts'
import { startClosedLoop, startOpenLoop } from './loops.ts'
import { connect } from './targets.ts'
import { Tracker } from './tracker.ts'

const DRAIN_MS = 5_000

const say = (message: FromGenerator): void => void process.send?.(message)

const hear = async (): Promise<ToGenerator> => (await once(process, 'message'))[0] as ToGenerator

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
      : startOpenLoop(target, tracker, workload.lanes, workload.load.ratePerSecond)
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
