/** Small tasks that may come by the thousand at once: so many in each turn of the loop, the rest in the next ones. */
export class Slices {
  readonly #perTurn: number
  #waiting: Array<() => void> = []
  #next = 0

  constructor(perTurn: number) {
    this.#perTurn = perTurn
  }

  run(task: () => void): void {
    this.#waiting.push(task)
    if (this.#waiting.length === 1) setImmediate(() => this.#turn())
  }

  #turn(): void {
    const end = Math.min(this.#next + this.#perTurn, this.#waiting.length)
    while (this.#next < end) this.#waiting[this.#next++]?.()
    if (this.#next < this.#waiting.length) setImmediate(() => this.#turn())
    else {
      this.#waiting = []
      this.#next = 0
    }
  }
}
