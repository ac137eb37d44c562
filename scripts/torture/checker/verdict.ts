/** The judgement on one of DESIGN.md's invariants. */
export type Verdict = {
  invariant: number
  title: string
  ok: boolean
  /** How many things were looked at: nothing looked at is no proof. */
  checked: number
  counterexamples: string[]
}

const SHOWN_MAX = 20

/** Gathers what was looked at and what was found wrong. */
export class Findings {
  checked = 0
  readonly #found: string[] = []
  #count = 0

  /** Counts one look; where it fails, says how. */
  expect(isRight: boolean, wrong: () => string): void {
    this.checked += 1
    if (!isRight) this.add(wrong())
  }

  add(counterexample: string): void {
    this.#count += 1
    if (this.#found.length < SHOWN_MAX) this.#found.push(counterexample)
  }

  verdict(invariant: number, title: string): Verdict {
    const more = this.#count - this.#found.length
    const counterexamples = more > 0 ? [...this.#found, `… and ${more} more`] : this.#found
    return { invariant, title, ok: this.#count === 0, checked: this.checked, counterexamples }
  }
}
