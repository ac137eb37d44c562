/** A store that cannot be had, said in a sentence together with what a person can do about it. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly remedy: string

  constructor(message: string, remedy: string, options?: { cause?: unknown }) {
    super(message, options)
    this.remedy = remedy
  }
}
