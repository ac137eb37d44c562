// Everything that runs can find. A run fills in what it measured; the history keeps it all.
import { cpus, totalmem } from 'node:os'
import { execFileSync } from 'node:child_process'
import type { StoresAlone } from '../baselines/stores-alone.ts'
import type { ConnectionsResult } from '../connections/run.ts'
import type { Growth } from '../growth/run.ts'
import type { LoadResult } from '../load/measure.ts'
import type { Quantiles } from '../load/tracker.ts'
import type { Options } from '../options.ts'
import type { LoopDelay } from '../sampling/event-loop.ts'
import type { SlowResult } from '../slow/run.ts'
import type { SoakResult } from '../soak.ts'
import { REPO } from '../stage/processes.ts'

export type Half = { ratePerSecond: number; delay: LoopDelay; receiveMs: Quantiles | null }

export type Figures = {
  loads?: LoadResult[]
  loneWriteMs?: Quantiles
  connections?: ConnectionsResult
  half?: Half
  slow?: SlowResult
  stores?: StoresAlone
  steps?: LoadResult[]
  growth?: Growth
  soak?: SoakResult
  /** Of the other revision, run in turns with this one. */
  other?: { revision: string; loads: LoadResult[] }
  postgresBytesPerPerson?: number
  redisBytesPerPerson?: number
}

export type Report = {
  at: string
  commit: string
  machine: string
  how: { seconds: number; runs: number; nodes: number; mongoMembers: number; receipts: boolean }
  figures: Figures
}

export function toReport(options: Options, figures: Figures): Report {
  return {
    at: new Date().toISOString(),
    commit: commitOf(),
    machine: machine(),
    how: {
      seconds: options.seconds,
      runs: options.runs,
      nodes: options.nodes,
      mongoMembers: options.members,
      receipts: options.withReceipts,
    },
    figures,
  }
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU'
  return `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`
}

const git = (...args: string[]): string => execFileSync('git', args, { cwd: REPO, encoding: 'utf8' }).trim()

/** With a plus where the files are not those of the commit. */
function commitOf(): string {
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no', 'src', 'mongo-indexes') !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? '+' : ''}`
  } catch {
    return 'no checkout'
  }
}

/** The middle of several equal-shaped findings, number by number. */
export function medianOf<T>(all: T[]): T {
  const [first] = all
  if (first === undefined) throw new Error('nothing to take the median of')
  if (all.length === 1) return first
  if (all.some((one) => typeof one === 'number')) {
    // What was never reached counts as worse than any number.
    const rank = (one: T): number => (typeof one === 'number' ? one : Number.POSITIVE_INFINITY)
    return all.toSorted((a, b) => rank(a) - rank(b))[Math.floor(all.length / 2)] as T
  }
  const present = all.filter((one) => one !== null) as Record<string, unknown>[]
  if (typeof first !== 'object' || present.length === 0) return first
  const keys = Object.keys(present[0] ?? {})
  return Object.fromEntries(
    keys.map((key) => [key, medianOf(present.map((one) => one[key]).filter((value) => value !== undefined))]),
  ) as T
}
