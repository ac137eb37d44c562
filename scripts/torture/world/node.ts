// One server node: a real process that can be killed, frozen, restarted in its place, and given another time of day.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { markProcess } from '../../stores/processes.ts'

export type NodeOptions = {
  name: string
  port: number
  /** The server's main file: the project's own, or that of a build that was broken on purpose. */
  entry: string
  env: Record<string, string>
  /** Ports of the stores, each with the port of this node's own link to it. */
  routes: Record<number, number>
  /** Of the run: its log goes there, and a mark by which the next run finds it when this one is killed. */
  folder: string
}

const root = join(import.meta.dirname, '../../..')
const preloads = ['tsx', '../../lifeline.mjs', './preload.mjs'].map((specifier) =>
  import.meta.resolve(specifier),
)
const READY_MS = 60_000
const TERM_MS = 12_000

const running = new Set<ChildProcess>()
// The lifeline ends nodes that run; one that stands still notices nothing.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class ServerNode {
  readonly name: string
  readonly port: number
  readonly logPath: string
  /** Called when the process ends without having been asked to, and says whether it had served by then. */
  onCrash: (exit: string, hadServed: boolean) => void = () => {}
  readonly #options: NodeOptions
  #child: ChildProcess | null = null
  #isExpected = false
  #hasServed = false

  constructor(options: NodeOptions) {
    this.name = options.name
    this.port = options.port
    this.logPath = join(options.folder, 'nodes', `${options.name}.log`)
    this.#options = options
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Starts the process and does not wait for it. Harmless when it runs. */
  spawn(): void {
    if (this.isRunning) return
    const { entry, env, routes, folder } = this.#options
    const log = openSync(this.logPath, 'a')
    const imports = preloads.flatMap((path) => ['--import', path])
    // The folder is for its mark: only a process that names it may be ended by it.
    const child = spawn(process.execPath, [...imports, entry, folder], {
      cwd: root,
      env: { ...env, PORT: String(this.port), TORTURE_ROUTES: JSON.stringify(routes) },
      // A Ctrl-C in the terminal is for the harness, which asks its nodes by itself.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    running.add(child)
    this.#isExpected = false
    this.#hasServed = false
    this.#child = child
    child.once('exit', (code, signal) => {
      running.delete(child)
      if (!this.#isExpected && this.#child === child) this.onCrash(signal ?? `code ${code}`, this.#hasServed)
    })
    void this.#leaveMark(child)
    void this.#watchStart(child)
  }

  /** Waits until the node says that messages can be sent. */
  async ready(): Promise<void> {
    const deadline = performance.now() + READY_MS
    while (performance.now() < deadline) {
      if (this.#hasServed && this.isRunning) return
      await pause(50)
    }
    throw new Error(`${this.name} did not become ready; see ${this.logPath}`)
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Asks it to stop as an operator would. */
  async term(): Promise<void> {
    const force = setTimeout(() => this.#child?.kill('SIGKILL'), TERM_MS)
    await this.#end('SIGTERM')
    clearTimeout(force)
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Moves this node's wall clock away from everybody else's; timers go on as they are. */
  setClock(offsetMs: number): void {
    if (this.isRunning && this.#child?.connected) this.#child.send({ clockOffsetMs: offsetMs })
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#isExpected = true
    const child = this.#child
    if (child === null || !this.isRunning) return
    const ended = once(child, 'exit')
    child.kill(signal)
    // What stands still hears no request.
    if (signal === 'SIGTERM') child.kill('SIGCONT')
    await ended
  }

  async #leaveMark({ pid }: ChildProcess): Promise<void> {
    if (pid === undefined) return
    const [mark, launcher] = [await markProcess(pid), await markProcess(process.pid)]
    const path = join(this.#options.folder, 'run', `${this.name}.pid`)
    if (mark) await writeFile(path, JSON.stringify({ ...mark, launcher })).catch(() => {})
  }

  async #watchStart(child: ChildProcess): Promise<void> {
    while (this.#child === child && this.isRunning) {
      if (await this.#answers()) {
        this.#hasServed = this.#child === child
        return
      }
      await pause(50)
    }
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
    } catch {
      return false
    }
  }
}
