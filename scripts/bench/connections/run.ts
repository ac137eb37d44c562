// W4: what an idle signed-in connection holds, how many sign in a second, and what becomes of a cut.
import { setTimeout as sleep } from 'node:timers/promises'
import { measure, type LoadResult } from '../load/measure.ts'
import type { Workload } from '../plan.ts'
import type { Progress } from '../progress.ts'
import { cpuOfTree } from '../sampling/cpu.ts'
import { makeChats } from '../stage/people.ts'
import { startScript, stopProcess, type BenchServer } from '../stage/processes.ts'
import type { Stage } from '../stage/stage.ts'
import { askHolder } from './ask.ts'
import type { Backed, Opened } from './words.ts'

/** Opened and cut before anything is weighed, so that compiled code and pools are not charged to the connections. */
const WARM_UP = 500
const WIDTH = 64
const CUT = 5_000
const JITTER_MS = 2_000
const DEADLINE_MS = 60_000
/** Long enough for the server's own timers to have passed over the connections once. */
const WEIGHINGS = 3

export type ConnectionsResult = {
  connections: number
  rssBytesEach: number
  /** Heap and the buffers outside of it. */
  heapBytesEach: number
  signInsPerSecond: number
  signInCpuUs: number | null
  signInMs: Opened['waitMs']
  refusals: number
  cut: Omit<Backed, 'type'>
  /** A conversation that went on while the others came back, and the same before it. */
  calmMs: LoadResult['counts']['ackMs']
  meanwhileMs: LoadResult['counts']['ackMs']
  meanwhileErrors: number
  meanwhileStuck: number
}

const TALK: Workload = {
  name: 'talk',
  title: 'one conversation at 20 msg/s',
  people: 2,
  shape: 'pairs',
  lanes: 1,
  load: { ratePerSecond: 20 },
  recipients: 1,
}

/** Those who stay, those who only warm the server up, and two who talk. */
export const connectionsPeople = (connections: number): number => connections + WARM_UP + TALK.people

export async function runConnections(
  stage: Stage,
  options: { connections: number; holdSeconds: number; talkSeconds: number },
  progress: Progress,
): Promise<ConnectionsResult> {
  const { connections } = options
  const everyone = await stage.cast.people(connectionsPeople(connections))
  const talkers = everyone.slice(-TALK.people)
  const chatIds = await makeChats(stage.first.url, talkers, TALK)
  const talk = (seconds: number, warm?: () => void): Promise<LoadResult> =>
    measure(
      {
        workload: TALK,
        target: { kind: 'parley', urls: stage.urls, people: talkers, chatIds, withReceipts: false },
        warmupSeconds: 2,
        seconds,
      },
      stage.pids,
      { progress: (line) => progress.show('W4 talk', line), ...(warm && { warm }) },
    )

  await warmUp(
    stage,
    everyone.slice(connections, connections + WARM_UP).map(({ token }) => token),
  )
  const before = await settledWeight(stage.first)
  const holder = startScript('scripts/bench/connections/holder.ts')
  try {
    const cpuBefore = cpuOfTree(stage.first.pid)
    const tokens = everyone.slice(0, connections).map(({ token }) => token)
    const openBar = progress.bar('connections', connections)
    const opened = await askHolder<Opened>(
      holder,
      { type: 'open', urls: [stage.first.url], tokens, width: WIDTH },
      openBar.set,
    )
    openBar.done()
    const cpuAfter = cpuOfTree(stage.first.pid)
    await hold(options.holdSeconds, progress)
    const after = await settledWeight(stage.first)
    const calm = await talk(Math.min(5, options.talkSeconds))
    // The cut comes while the conversation is being measured.
    const order = {
      type: 'cut',
      count: Math.min(CUT, connections),
      jitterMs: JITTER_MS,
      deadlineMs: DEADLINE_MS,
    } as const
    const cutting: Promise<Backed>[] = []
    const meanwhile = await talk(options.talkSeconds, () => {
      const asked = askHolder<Backed>(holder, order, () => {})
      // Waited for below; a failure before that must not count as nobody's.
      asked.catch(() => {})
      cutting.push(asked)
    })
    progress.end()
    const [backed] = await Promise.all(cutting)
    if (backed === undefined) throw new Error('the conversation never began')
    const { type: _, ...cut } = backed
    return {
      connections,
      rssBytesEach: (after.rss - before.rss) / connections,
      heapBytesEach: (after.heapUsed + after.external - before.heapUsed - before.external) / connections,
      signInsPerSecond: opened.count / opened.seconds,
      signInCpuUs: cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / opened.count,
      signInMs: opened.waitMs,
      refusals: opened.refusals,
      cut,
      calmMs: calm.counts.ackMs,
      meanwhileMs: meanwhile.counts.ackMs,
      meanwhileErrors: meanwhile.counts.errors,
      meanwhileStuck: meanwhile.stuck,
    }
  } finally {
    await stopProcess(holder)
  }
}

async function warmUp(stage: Stage, tokens: string[]): Promise<void> {
  const holder = startScript('scripts/bench/connections/holder.ts')
  await askHolder<Opened>(holder, { type: 'open', urls: [stage.first.url], tokens, width: WIDTH }, () => {})
  await stopProcess(holder)
  await sleep(1_000)
}

async function hold(seconds: number, progress: Progress): Promise<void> {
  for (let left = seconds; left > 0; left -= 1) {
    if (left % 5 === 0) progress.show('W4', `holding them for another ${left} s`)
    await sleep(1_000)
  }
  progress.end()
}

/** The least of some weighings: the allocator gives memory back a moment after the collector has freed it. */
async function settledWeight(server: BenchServer): Promise<NodeJS.MemoryUsage> {
  let least = await server.weigh()
  for (let i = 1; i < WEIGHINGS; i += 1) {
    await sleep(1_000)
    const next = await server.weigh()
    if (next.rss < least.rss) least = next
  }
  return least
}
