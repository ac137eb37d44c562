// A real process under test: started, watched, killed, stopped and continued.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export type ExitState = { code: number | null; signal: NodeJS.Signals | null }

const running = new Set<Child>()

// A worker that dies in the middle of a file leaves nothing behind.
process.on('exit', () => {
  for (const child of running) child.signal('SIGKILL')
})

export class Child {
  readonly lines: string[] = []
  readonly exited: Promise<ExitState>
  exit: ExitState | null = null
  readonly #process: ChildProcess

  constructor(command: string, args: string[], env: Record<string, string>, cwd: string) {
    this.#process = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.lines.push(line))
    }
    running.add(this)
    this.exited = once(this.#process, 'exit').then(([code, signal]) => {
      running.delete(this)
      this.exit = { code: code as number | null, signal: signal as NodeJS.Signals | null }
      return this.exit
    })
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('the process did not start')
    return this.#process.pid
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  async kill9(): Promise<void> {
    this.signal('SIGKILL')
    await this.exited
  }

  tail(count = 20): string {
    return this.lines.slice(-count).join('\n')
  }
}
