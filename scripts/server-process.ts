// The server as a child of `npm start`.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

export type ServerExit = { code: number | null; signal: NodeJS.Signals | null }

export type ServerProcess = {
  pid: number
  exited: Promise<ServerExit>
  exit(): ServerExit | null
  /** Asks the server to stop and forces it when it has not within the time given. */
  stop(graceMs: number): Promise<void>
}

const projectDir = join(import.meta.dirname, '..')

/** Starts `src/main.ts`; its log goes where ours goes. */
export function startServer(env: NodeJS.ProcessEnv): ServerProcess {
  const preload = [import.meta.resolve('tsx'), import.meta.resolve('./lifeline.mjs')]
  // A process group of its own: a Ctrl-C in the terminal must reach it once, through us.
  const child: ChildProcess = spawn(
    process.execPath,
    [...preload.flatMap((specifier) => ['--import', specifier]), 'src/main.ts'],
    { cwd: projectDir, env, detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  let ended: ServerExit | null = null
  const exited = new Promise<ServerExit>((resolve) => {
    const onEnd = (exit: ServerExit) => {
      ended ??= exit
      resolve(exit)
    }
    child.once('exit', (code, signal) => onEnd({ code, signal }))
    child.once('error', () => onEnd({ code: 1, signal: null }))
  })
  return {
    pid: child.pid ?? 0,
    exited,
    exit: () => ended,
    stop: async (graceMs) => {
      child.kill('SIGTERM')
      const force = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(force)
    },
  }
}

/**
 * Waits until the server says that it can serve; false when it ended or did not say so in time. The id of its signing
 * key tells it from another server that was faster to take the port and answers there.
 */
export async function waitUntilServing(
  server: ServerProcess,
  url: string,
  keyId: string,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline && server.exit() === null) {
    const [ready, keys] = [await get(`${url}/readyz`), await get(`${url}/.well-known/jwks.json`)]
    if (ready !== null && keys?.includes(keyId) && server.exit() === null) return true
    await pause(100)
  }
  return false
}

async function get(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) })
    const text = await response.text()
    return response.ok ? text : null
  } catch {
    return null
  }
}
