/** Request headers as they came: a signature covers each value, so Node's merging must not get in between. */
export class Headers {
  readonly #values = new Map<string, string[]>()

  constructor(rawHeaders: readonly string[]) {
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const name = String(rawHeaders[at]).toLowerCase()
      const values = this.#values.get(name)
      if (values) values.push(String(rawHeaders[at + 1]))
      else this.#values.set(name, [String(rawHeaders[at + 1])])
    }
  }

  get(name: string): string | null {
    return this.#values.get(name)?.join(',') ?? null
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? []
  }

  names(): string[] {
    return [...this.#values.keys()]
  }
}
