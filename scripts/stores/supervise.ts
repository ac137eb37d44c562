// Starts a store as a child that cannot outlive us: it runs under watchdog.sh, in its own process group so that
// a Ctrl-C in the terminal reaches only us, and leaves a mark by which the next start finds it after a crash.
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { commandLine, endProcess, isRunning, markProcess, type ProcessMark, sendSignal } from './processes.ts'
import { StoreError } from './store-error.ts'

export type Log = (line: string) => void

export type Job = {
  name: string
  dataDir: string
  command: string
  args: string[]
  stopSignal: 'INT' | 'TERM'
  graceSeconds: number
  log: Log
  env?: NodeJS.ProcessEnv
  owner?: { uid: number; gid: number }
}

export type Supervised = {
  name: string
  pid: number
  exited: Promise<void>
  hasExited(): boolean
  /** Stops the store as its manual says and waits for its end. Harmless when it has ended. */
  stop(): Promise<void>
  /** Ends the store with kill -9, as a crash would. */
  kill(): Promise<void>
  /** What the store printed since this start. */
  output(): Promise<string>
}

const leftoverGraceMs = 5000
const logBytesMax = 16 * 1024 * 1024

/** Runs the job under the watchdog. It may not be ready to serve yet: see `waitUntilReady`. */
export async function supervise(job: Job): Promise<Supervised> {
  const runDir = join(job.dataDir, 'run')
  const logDir = join(job.dataDir, 'logs')
  await mkdir(runDir, { recursive: true })
  await mkdir(logDir, { recursive: true })
  const pidPath = join(runDir, `${job.name}.pid`)

  const logPath = join(logDir, `${job.name}.log`)
  const logged = await stat(logPath).catch(() => null)
  if (logged && logged.size > logBytesMax) await rename(logPath, `${logPath}.1`)
  const logFile = await open(logPath, 'a')
  const offset = (await logFile.stat()).size
  const child = spawn(
    'sh',
    [
      join(import.meta.dirname, 'watchdog.sh'),
      job.stopSignal,
      String(job.graceSeconds),
      job.command,
      ...job.args,
    ],
    {
      cwd: job.dataDir,
      detached: true,
      stdio: ['pipe', logFile.fd, logFile.fd, 'pipe'],
      ...(job.env ? { env: job.env } : {}),
      ...job.owner,
    },
  )
  let ended = false
  const exited = new Promise<void>((resolve) => {
    const onEnd = () => {
      ended = true
      rmSync(pidPath, { force: true })
      resolve()
    }
    child.once('exit', onEnd)
    child.once('error', onEnd)
  })
  // A store that ends by itself breaks the pipe; `exited` is how that is noticed.
  child.stdin?.on('error', () => {})
  await logFile.close()

  const pid = await readPid(child)
  if (pid === null) throw new StoreError(`${job.name} could not be started`, `See ${logPath}.`)
  const mark = await markProcess(pid)
  const launcher = await markProcess(process.pid)
  if (mark && !ended) await writeFile(pidPath, JSON.stringify({ ...mark, launcher }))
  return {
    name: job.name,
    pid,
    exited,
    hasExited: () => ended,
    stop: async () => {
      child.stdin?.destroy()
      await exited
    },
    kill: async () => {
      if (!ended) sendSignal(pid, 'SIGKILL')
      await exited
    },
    output: async () => (await readFile(logPath).catch(() => Buffer.alloc(0))).subarray(offset).toString(),
  }
}

/** Asks until the store answers, and gives up when it ends or the time is over. */
export async function waitUntilReady(
  store: Supervised,
  timeoutMs: number,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  let lastError: unknown
  while (!store.hasExited() && Date.now() < deadline) {
    try {
      if (await isReady()) return
    } catch (err) {
      lastError = err
    }
    await pause(30)
  }
  const ended = store.hasExited()
  const output = await store.output()
  await store.stop()
  if (/No space left on device|ENOSPC/i.test(output)) {
    throw new StoreError(`${store.name} found the disk full`, 'Free some space and start again.')
  }
  const tail = output.trimEnd().split('\n').slice(-8).join('\n  ')
  throw new StoreError(
    ended ? `${store.name} ended while starting` : `${store.name} did not answer in ${timeoutMs / 1000} s`,
    `Its last lines:\n  ${tail}`,
    { cause: lastError },
  )
}

/** Whether a store ended because another process was faster to take its port. */
export async function lostPort(store: Supervised): Promise<boolean> {
  return store.hasExited() && /address already in use|Address in use|EADDRINUSE/i.test(await store.output())
}

/**
 * Ends what an earlier start left running in this data folder because it was killed together with its watchdogs.
 * Comes before a port is chosen, so that the store can have its last one again.
 */
export async function endLeftover(
  dataDir: string,
  name: string,
  stopSignal: 'INT' | 'TERM',
  log: Log,
): Promise<void> {
  const stored = await readFile(join(dataDir, 'run', `${name}.pid`), 'utf8').catch(() => null)
  const leftover = stored === null ? null : parseMark(stored)
  if (!leftover || !(await isRunning(leftover))) return
  if (leftover.launcher && (await isRunning(leftover.launcher))) {
    throw new StoreError(
      `${name} of ${dataDir} already runs (pid ${leftover.pid})`,
      `Stop process ${leftover.launcher.pid} first, which started it.`,
    )
  }
  // The command line must name our folder: a mark that was copied along with it is not a licence to kill.
  if (!(await commandLine(leftover.pid)).includes(dataDir)) return
  log(`${name}: ending pid ${leftover.pid}, left over from a start that was killed`)
  await endProcess(leftover, `SIG${stopSignal}`, leftoverGraceMs)
}

/** The same for everything that left a mark anywhere below a folder. */
export async function endLeftovers(folder: string, log: Log): Promise<void> {
  for (const path of await readdir(folder, { recursive: true })) {
    if (basename(dirname(path)) !== 'run' || !path.endsWith('.pid')) continue
    const dataDir = join(folder, dirname(dirname(path)))
    await endLeftover(dataDir, basename(path, '.pid'), 'INT', log)
  }
}

function parseMark(text: string): (ProcessMark & { launcher: ProcessMark | null }) | null {
  try {
    return JSON.parse(text) as ProcessMark & { launcher: ProcessMark | null }
  } catch {
    return null
  }
}

async function readPid(child: ChildProcess): Promise<number | null> {
  const pipe = child.stdio[3] as Readable
  let text = ''
  try {
    for await (const chunk of pipe) text += String(chunk)
  } catch {
    return null
  }
  return Number.parseInt(text, 10) || null
}
