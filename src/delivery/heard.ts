/** How far each chat was heard of by this node's channel, and so told to its sockets: in order, so all before it too. */
import type { MessageMark } from './payload.ts'

const CHATS_MAX = 50_000

export class Heard {
  readonly #places = new Map<string, number>()

  note({ chatHex, seq }: MessageMark): void {
    if (this.#places.size > CHATS_MAX) this.#places.clear()
    if (seq > (this.#places.get(chatHex) ?? 0)) this.#places.set(chatHex, seq)
  }

  upTo(chatHex: string, seq: number): boolean {
    return (this.#places.get(chatHex) ?? 0) >= seq
  }
}
