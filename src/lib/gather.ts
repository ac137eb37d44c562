/**
 * Questions that come close together go to a store as one: those asked in one turn of the loop, and those asked while
 * a call is under way. A storm of them costs a few round trips, and a single one waits for nobody.
 */
interface Waiting<Q, A> {
  question: Q
  resolve: (answer: A) => void
  reject: (err: unknown) => void
}

export class Gather<Q, A> {
  readonly #most: number
  readonly #answer: (questions: Q[]) => Promise<readonly A[]>
  #waiting: Array<Waiting<Q, A>> = []
  #running = 0
  #scheduled = false

  /** `answer` gives the answers in the order of the questions; where it fails, each of them fails. */
  constructor(most: number, answer: (questions: Q[]) => Promise<readonly A[]>) {
    this.#most = most
    this.#answer = answer
  }

  ask(question: Q): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject })
      // A full batch waits for nothing: were it to queue behind a stalled call, its questions would be late twice.
      if (this.#waiting.length >= this.#most) this.#run()
      else this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#running > 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#run()
    })
  }

  #run(): void {
    const batch = this.#waiting
    if (batch.length === 0) return
    this.#waiting = []
    this.#running += 1
    this.#answer(batch.map(({ question }) => question))
      .then(
        (answers) => batch.forEach(({ resolve }, index) => resolve(answers[index] as A)),
        (err: unknown) => batch.forEach(({ reject }) => reject(err)),
      )
      .finally(() => {
        this.#running -= 1
        if (this.#waiting.length > 0) this.#schedule()
      })
  }
}
