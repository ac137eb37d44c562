// One server as a real process, on a port that stays the same over restarts.
import { fileURLToPath } from 'node:url'
import { Child, type ExitState } from './child.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

const REPO = fileURLToPath(new URL('../..', import.meta.url))
const START_DEADLINE_MS = 60_000

export class ServerNode {
  readonly port: number
  readonly #env: Record<string, string>
  #child: Child | null = null

  private constructor(port: number, env: Record<string, string>) {
    this.port = port
    this.#env = env
  }

  static async create(env: Record<string, string>): Promise<ServerNode> {
    return new ServerNode(await freePort(), env)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get child(): Child {
    if (this.#child === null) throw new Error('the node was never started')
    return this.#child
  }

  /** Everything that this node's present process wrote, a line each. */
  get logs(): string[] {
    return this.child.lines
  }

  async start(env: Record<string, string> = {}): Promise<void> {
    this.spawn(env)
    await this.ready()
  }

  /** Starts the process without waiting for it. */
  spawn(env: Record<string, string> = {}): void {
    const all = { ...this.#env, ...env, PORT: String(this.port) }
    // The lifeline ends the server when the worker that runs this test is killed.
    const args = ['--import', 'tsx', '--import', './scripts/lifeline.mjs', 'src/main.ts']
    this.#child = new Child(process.execPath, args, all, REPO)
  }

  async ready(): Promise<void> {
    const isReady = async (): Promise<boolean> => {
      if (this.child.exit !== null) return true
      return (await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok
    }
    const options = { timeoutMs: START_DEADLINE_MS, intervalMs: 50 }
    await until('the server is ready', isReady, options).catch((err: unknown) => {
      throw new Error(`the server is not ready:\n${this.child.tail()}`, { cause: err })
    })
    const { exit } = this.child
    if (exit !== null) throw new Error(`the server ended with ${exit.code}:\n${this.child.tail()}`)
  }

  async kill9(): Promise<void> {
    await this.child.kill9()
  }

  sigstop(): void {
    this.child.signal('SIGSTOP')
  }

  sigcont(): void {
    this.child.signal('SIGCONT')
  }

  /** Asks it to end and waits until it has. */
  async term(): Promise<ExitState> {
    this.child.signal('SIGTERM')
    return await this.child.exited
  }
}
