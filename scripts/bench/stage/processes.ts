// The processes of a run: servers, relay, generators. All of them end with the run.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'

export const REPO = fileURLToPath(new URL('../../..', import.meta.url))
const START_DEADLINE_MS = 90_000
const STOP_DEADLINE_MS = 12_000
const WEIGH_DEADLINE_MS = 30_000

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts one of our scripts with an IPC channel, over which orders and results go. */
export function startScript(path: string): ChildProcess {
  return start({ args: [path], repo: REPO, env: process.env, output: 'inherit' })
}

type Start = { args: string[]; repo: string; env: NodeJS.ProcessEnv; output: 'inherit' | 'pipe' }

function start({ args, repo, env, output }: Start): ChildProcess {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), ...args], {
    cwd: repo,
    env,
    stdio: ['ignore', output === 'pipe' ? 'pipe' : 'ignore', output, 'ipc'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export type BenchServer = {
  url: string
  pid: number
  /** What it holds after its garbage is collected. */
  weigh: () => Promise<NodeJS.MemoryUsage>
  stop: () => Promise<void>
}

/** Starts the server of a checkout and waits until it is ready. */
export async function startBenchServer(needs: {
  repo: string
  env: NodeJS.ProcessEnv
  logPath: string
}): Promise<BenchServer> {
  const { repo, logPath } = needs
  const port = await freePort()
  const preload = ['../../lifeline.mjs', './gc-on-request.mjs'].flatMap((path) => [
    '--import',
    import.meta.resolve(path),
  ])
  const env = { ...needs.env, HOST: '127.0.0.1', PORT: String(port) }
  const child = start({ args: ['--expose-gc', ...preload, 'src/main.ts'], repo, env, output: 'pipe' })
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
  return { url, pid: child.pid ?? 0, weigh: () => weigh(child), stop: () => stopProcess(child) }
}

async function weigh(child: ChildProcess): Promise<NodeJS.MemoryUsage> {
  const answered = once(child, 'message', { signal: AbortSignal.timeout(WEIGH_DEADLINE_MS) })
  child.send('weigh')
  const [{ weighed }] = (await answered) as [{ weighed: NodeJS.MemoryUsage }]
  return weighed
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
