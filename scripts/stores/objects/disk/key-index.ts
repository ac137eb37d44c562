/** The keys of one bucket in S3's order, held in memory so that a page of a listing costs no disk reads. */

export interface Summary {
  key: string
  sizeBytes: number
  etag: string
  modifiedAt: number
}

/** Orders by UTF-8 bytes, as S3 does. Plain string order differs where surrogate pairs meet U+E000 and above. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at)
    const right = b.charCodeAt(at)
    if (left === right) continue
    const leftPair = left >= 0xd800 && left <= 0xdfff
    const rightPair = right >= 0xd800 && right <= 0xdfff
    if (leftPair !== rightPair && left >= 0xd800 && right >= 0xd800) return leftPair ? 1 : -1
    return left - right
  }
  return a.length - b.length
}

export class KeyIndex {
  readonly #summaries = new Map<string, Summary>()
  #sorted: string[] = []

  get size(): number {
    return this.#summaries.size
  }

  /** Takes many at once, sorting them once. */
  load(summaries: readonly Summary[]): void {
    for (const summary of summaries) this.#summaries.set(summary.key, summary)
    this.#sorted = [...this.#summaries.keys()].sort(compareKeys)
  }

  get(key: string): Summary | null {
    return this.#summaries.get(key) ?? null
  }

  set(summary: Summary): void {
    const { key } = summary
    if (!this.#summaries.has(key)) this.#sorted.splice(this.#firstFrom(key), 0, key)
    this.#summaries.set(key, summary)
  }

  delete(key: string): void {
    if (this.#summaries.delete(key)) this.#sorted.splice(this.#firstFrom(key), 1)
  }

  #firstFrom(key: string): number {
    return this.#firstWhere((candidate) => compareKeys(candidate, key) >= 0)
  }

  /** Binary search: the test must hold from some place on to the end. */
  #firstWhere(test: (key: string) => boolean, from = 0): number {
    let low = from
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (test(this.#sorted[middle] ?? '')) high = middle
      else low = middle + 1
    }
    return low
  }

  #at(place: number): Summary | null {
    const key = this.#sorted[place]
    return key === undefined ? null : this.get(key)
  }

  /** The first summary whose key is at or behind the given one. */
  seek(key: string): Summary | null {
    return this.#at(this.#firstFrom(key))
  }

  /** The first summary behind every key that begins with the prefix. */
  seekBehind(prefix: string): Summary | null {
    return this.#at(this.#firstWhere((key) => !key.startsWith(prefix), this.#firstFrom(prefix)))
  }

  all(): Summary[] {
    return [...this.#summaries.values()]
  }
}
