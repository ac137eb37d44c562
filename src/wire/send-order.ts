/**
 * Keeps a connection's pipelined messages in their order: while an earlier one is still being prepared the later ones
 * wait, and when one is refused for a while, later ones to the same chat are refused likewise until that one comes
 * again (API.md §11, "Order after a refusal").
 */
import { AppError } from '../lib/errors.ts'

export class SendOrder {
  readonly #refused = new Map<string, string>()
  #preparing: Promise<unknown> | null = null

  /** `prepare` is what has to be awaited before the message can enter its chat's line; null where nothing has. */
  async send<P, T>(
    chatId: string,
    clientMessageId: string,
    prepare: (() => Promise<P>) | null,
    append: (prepared: P | null) => Promise<T>,
  ): Promise<T> {
    const waitsFor = this.#refused.get(chatId)
    if (waitsFor !== undefined && waitsFor !== clientMessageId)
      throw new AppError(
        'SERVICE_UNAVAILABLE',
        'An earlier message to this chat was refused for now; send that one again first.',
        { retryAfterSeconds: 1 },
      )
    try {
      const stored = await (prepare || this.#preparing ? this.#inTurn(prepare, append) : append(null))
      if (waitsFor !== undefined) this.#refused.delete(chatId)
      return stored
    } catch (err) {
      // The first refused message is the one to wait for; those refused behind it follow by themselves.
      if ((!(err instanceof AppError) || err.retryable) && !this.#refused.has(chatId))
        this.#refused.set(chatId, clientMessageId)
      throw err
    }
  }

  async #inTurn<P, T>(
    prepare: (() => Promise<P>) | null,
    append: (prepared: P | null) => Promise<T>,
  ): Promise<T> {
    const before = this.#preparing
    const prepared = (async () => {
      await before
      return prepare ? prepare() : null
    })()
    // The line must hold only until this one entered its chat's line, not until it is stored.
    const entered = prepared.then(
      () => undefined,
      () => undefined,
    )
    this.#preparing = entered
    try {
      return await append(await prepared)
    } finally {
      if (this.#preparing === entered) this.#preparing = null
    }
  }
}
