// The processes of a run: server, relay, generator. All of them end with the run.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'

const REPO = fileURLToPath(new URL('../..', import.meta.url))
const START_DEADLINE_MS = 90_000
const STOP_DEADLINE_MS = 12_000

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts one of our scripts with an IPC channel, over which orders and results go. */
export function startScript(path: string): ChildProcess {
  return start([path], process.env, 'inherit')
}

function start(args: string[], env: NodeJS.ProcessEnv, output: 'inherit' | 'pipe'): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
    cwd: REPO,
    env,
    stdio: ['ignore', output === 'pipe' ? 'pipe' : 'ignore', output, 'ipc'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export type BenchServer = { url: string; pid: number; stop: () => Promise<void> }

export async function startBenchServer(env: NodeJS.ProcessEnv, logPath: string): Promise<BenchServer> {
  const port = await freePort()
  const args = ['--import', './scripts/lifeline.mjs', 'src/main.ts']
  const child = start(args, { ...env, HOST: '127.0.0.1', PORT: String(port) }, 'pipe')
  const log = createWriteStream(logPath)
  child.stdout?.pipe(log)
  child.stderr?.pipe(log)
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + START_DEADLINE_MS
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const tail = (await readFile(logPath, 'utf8')).split('\n').slice(-10).join('\n')
      throw new Error(`the server did not start:\n${tail}`)
    }
    await sleep(100)
  }
  return { url, pid: child.pid ?? 0, stop: () => stopProcess(child) }
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  await ended
  clearTimeout(timer)
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
