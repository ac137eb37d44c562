// One workload against one target: starts a generator, samples around the measured seconds, adds it all up.
import { on as messagesOf } from 'node:events'
import type { FromGenerator, Order } from '../plan.ts'
import { cpuPerMessage, sampleCpu, type CpuSample, type Pids } from '../sampling/cpu.ts'
import { commandsPerMessage, readStoreCommands, type StoreCommands } from '../sampling/store-commands.ts'
import { startScript, stopProcess } from '../stage/processes.ts'
import type { Counts } from './tracker.ts'

export type LoadResult = {
  workload: string
  target: 'parley' | 'relay'
  seconds: number
  messagesPerSecond: number
  deliveriesPerSecond: number
  counts: Counts
  cpuUsPerMessage: CpuSample
  commandsPerMessage: StoreCommands
  /** Messages that were neither answered nor delivered five seconds after the last was sent. */
  stuck: number
}

export async function measure(
  order: Order,
  pids: Pids,
  on: { progress: (line: string) => void; warm?: () => Promise<void> | void; measured?: () => Promise<void> },
): Promise<LoadResult> {
  const generator = startScript('scripts/bench/load/generator.ts')
  const watched = { ...pids, generator: [generator.pid ?? 0] }
  const commands = (): Promise<StoreCommands> =>
    order.target.kind === 'parley' ? readStoreCommands(order.target.urls) : Promise.resolve({})
  let cpu: CpuSample = {}
  let before: StoreCommands = {}
  let result: LoadResult | null = null
  const gone = new AbortController()
  generator.once('exit', () => gone.abort(new Error('the generator ended before it was done')))
  generator.send({ type: 'run', order })
  for await (const [said] of messagesOf(generator, 'message', { signal: gone.signal })) {
    const message = said as FromGenerator
    if (message.type === 'connected') on.progress(`${message.sockets} sockets, warming up`)
    else if (message.type === 'warm') {
      await on.warm?.()
      before = await commands()
      cpu = sampleCpu(watched)
      generator.send({ type: 'measure' })
    } else if (message.type === 'progress') {
      on.progress(`${message.second} of ${order.seconds} s, ${message.perSecond} msg/s`)
    } else if (message.type === 'measured') {
      const after = sampleCpu(watched)
      // Before anything else reads the metrics: some of them begin anew at every reading.
      await on.measured?.()
      result = add(order, message, cpuPerMessage(cpu, after, message.counts.completed))
      result.commandsPerMessage = commandsPerMessage(before, await commands(), message.counts.completed)
    } else {
      if (result !== null) result.stuck = message.stuck
      break
    }
  }
  await stopProcess(generator)
  if (result === null) throw new Error('the generator measured nothing')
  const { completed, errors } = result.counts
  if (completed === 0) {
    const what = `${order.workload.name} against ${order.target.kind}`
    throw new Error(`${what}: no message was delivered in ${order.seconds} s, ${errors} were refused`)
  }
  return result
}

function add(
  order: Order,
  message: FromGenerator & { type: 'measured' },
  cpuUsPerMessage: CpuSample,
): LoadResult {
  const { counts, seconds } = message
  return {
    workload: order.workload.name,
    target: order.target.kind,
    seconds,
    messagesPerSecond: counts.completed / seconds,
    deliveriesPerSecond: counts.received / seconds,
    counts,
    cpuUsPerMessage,
    commandsPerMessage: {},
    stuck: 0,
  }
}
