// Which process is which. A pid alone proves nothing: after a crash it may belong to somebody else, so a
// process is known by its pid and the moment it started.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const execFileAsync = promisify(execFile)

export type ProcessMark = { pid: number; startedAt: string }

/** The mark by which this very process is found again later; null when it does not run. */
export async function markProcess(pid: number): Promise<ProcessMark | null> {
  const startedAt = (await startFromProc(pid)) ?? (await fromPs(pid, 'lstart='))
  return startedAt ? { pid, startedAt } : null
}

/** Whether the marked process still runs, and not another one under its pid. */
export async function isRunning(mark: ProcessMark): Promise<boolean> {
  return (await markProcess(mark.pid))?.startedAt === mark.startedAt
}

/** The command line of a process with its arguments separated by spaces; empty when it is gone. */
export async function commandLine(pid: number): Promise<string> {
  const raw = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null)
  return raw?.replaceAll('\0', ' ') ?? (await fromPs(pid, 'args=')) ?? ''
}

/** Asks a marked process to stop and forces it when it has not within the time given. */
export async function endProcess(mark: ProcessMark, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (!(await isRunning(mark))) return
  sendSignal(mark.pid, signal)
  const deadline = Date.now() + graceMs
  while (Date.now() < deadline) {
    if (!(await isRunning(mark))) return
    await pause(50)
  }
  sendSignal(mark.pid, 'SIGKILL')
  while (await isRunning(mark)) await pause(50)
}

/** Sends a signal to a process that may be gone already. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err
  }
}

async function startFromProc(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return null
  // The name in the second field may hold spaces and brackets, so counting starts after its last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (fields[0] === 'Z') return null
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return `${boot.trim()}:${fields[19]}`
}

async function fromPs(pid: number, column: string): Promise<string | null> {
  if (process.platform === 'linux') return null
  const result = await execFileAsync('ps', ['-o', column, '-p', String(pid)]).catch(() => null)
  return result?.stdout.trim() || null
}
