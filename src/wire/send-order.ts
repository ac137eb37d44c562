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
    this.#requireTurn(chatId, clientMessageId)
    try {
      const stored = await (prepare || this.#preparing
        ? this.#inTurn(chatId, clientMessageId, prepare, append)
        : append(null))
      this.#settle(chatId, clientMessageId)
      return stored
    } catch (err) {
      this.#failed(chatId, clientMessageId, err)
      throw err
    }
  }

  #requireTurn(chatId: string, clientMessageId: string): void {
    const waitsFor = this.#refused.get(chatId)
    if (waitsFor === undefined) return
    if (waitsFor === clientMessageId) {
      // From here on the later ones stand behind it: were they refused until it is stored, those after them were not.
      this.#refused.delete(chatId)
      return
    }
    throw new AppError(
      'SERVICE_UNAVAILABLE',
      'An earlier message to this chat was refused for now; send that one again first.',
      { retryAfterSeconds: 1 },
    )
  }

  #failed(chatId: string, clientMessageId: string, err: unknown): void {
    // A final answer is an answer: nobody waits for that one any longer.
    if (err instanceof AppError && !err.retryable) this.#settle(chatId, clientMessageId)
    // The first refused message is the one to wait for; those refused behind it follow by themselves.
    else if (!this.#refused.has(chatId)) this.#refused.set(chatId, clientMessageId)
  }

  #settle(chatId: string, clientMessageId: string): void {
    if (this.#refused.get(chatId) === clientMessageId) this.#refused.delete(chatId)
  }

  async #inTurn<P, T>(
    chatId: string,
    clientMessageId: string,
    prepare: (() => Promise<P>) | null,
    append: (prepared: P | null) => Promise<T>,
  ): Promise<T> {
    const before = this.#preparing
    const prepared = (async () => {
      await before
      // The one before it may have been refused while this one waited.
      this.#requireTurn(chatId, clientMessageId)
      if (!prepare) return null
      try {
        return await prepare()
      } catch (err) {
        this.#failed(chatId, clientMessageId, err)
        throw err
      }
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
