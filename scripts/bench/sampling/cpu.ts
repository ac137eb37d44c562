// CPU time of processes from /proc. Where there is none (macOS), the answer is null and the table says so.
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in ticks of 10 ms on every platform that Node runs on. */
const TICK_US = 10_000

/** User and system time of a process and everything below it, in microseconds. */
export function cpuOfTree(pid: number): number | null {
  try {
    const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [readStat(Number(name))] : []))
    const known = all.filter((stat) => stat !== null)
    const inTree = new Set([pid])
    // Children have no lower pid order to rely on, so the tree grows until nothing is added.
    for (let before = 0; before !== inTree.size;) {
      before = inTree.size
      for (const stat of known) if (inTree.has(stat.parent)) inTree.add(stat.pid)
    }
    return known.reduce((sum, stat) => (inTree.has(stat.pid) ? sum + stat.cpuUs : sum), 0)
  } catch {
    return null
  }
}

type Stat = { pid: number; parent: number; cpuUs: number }

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold spaces; the fields after it do not.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { pid, parent: Number(fields[1]), cpuUs: (Number(fields[11]) + Number(fields[12])) * TICK_US }
  } catch {
    return null
  }
}

export type CpuSample = Record<string, number | null>

/** Pids by name: a server of several nodes, or a store of several members, counts as one. */
export type Pids = Record<string, number[]>

const sumOf = (pids: number[]): number | null =>
  pids.map(cpuOfTree).reduce((sum, cpu) => (sum === null || cpu === null ? null : sum + cpu), 0)

export function sampleCpu(pids: Pids): CpuSample {
  return Object.fromEntries(Object.entries(pids).map(([name, all]) => [name, sumOf(all)]))
}

/** Microseconds for each message, by process. */
export function cpuPerMessage(before: CpuSample, after: CpuSample, messages: number): CpuSample {
  return Object.fromEntries(
    Object.keys(after).map((name) => {
      const [from, to] = [before[name] ?? null, after[name] ?? null]
      return [name, from === null || to === null || messages === 0 ? null : (to - from) / messages]
    }),
  )
}
