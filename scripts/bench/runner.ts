// Runs one workload, once, against a stage or against the relay.
import { once } from 'node:events'
import { measure, type LoadResult } from './load/measure.ts'
import type { Options } from './options.ts'
import type { Workload } from './plan.ts'
import type { Progress } from './progress.ts'
import { makeChats } from './stage/people.ts'
import { startScript, stopProcess } from './stage/processes.ts'
import type { Stage } from './stage/stage.ts'

export type Runner = {
  parley: (
    stage: Stage,
    workload: Workload,
    on?: { warm: () => Promise<void>; measured: () => Promise<void> },
  ) => Promise<LoadResult>
  relay: (workload: Workload) => Promise<LoadResult>
}

export function createRunner(options: Options, progress: Progress): Runner {
  const times = { warmupSeconds: options.warmup, seconds: options.seconds }
  const showing = (label: string) => ({ progress: (line: string) => progress.show(label, line) })
  return {
    parley: async (stage, workload, on) => {
      const people = await stage.cast.people(workload.people)
      const chatIds = await makeChats(stage.first.url, people, workload)
      const { withReceipts } = options
      const target = { kind: 'parley', urls: stage.urls, people, chatIds, withReceipts } as const
      const order = { workload, target, ...times }
      const result = await measure(order, stage.pids, { ...showing(`${workload.name} parley`), ...on })
      progress.end()
      return result
    },
    relay: async (workload) => {
      const relay = startScript('scripts/bench/baselines/relay.ts')
      try {
        const [{ url }] = (await once(relay, 'message')) as [{ url: string }]
        const order = { workload, target: { kind: 'relay', url } as const, ...times }
        return await measure(order, { server: [relay.pid ?? 0] }, showing(`${workload.name} relay`))
      } finally {
        progress.end()
        await stopProcess(relay)
      }
    },
  }
}
