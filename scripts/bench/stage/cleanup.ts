// What a run has started and has to end, newest first, also when it is interrupted.
type Step = () => Promise<void> | void

export class Cleanup {
  readonly #steps: Step[] = []
  #running: Promise<void> | null = null

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => void this.run().finally(() => process.exit(130)))
  }

  add(step: Step): void {
    this.#steps.push(step)
  }

  /** Each step runs even where one before it failed; called twice, it is the same run. */
  run(): Promise<void> {
    this.#running ??= (async () => {
      for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop())
        await Promise.resolve(step()).catch((err: unknown) => console.error(err))
    })()
    return this.#running
  }
}
