/** What was written to a socket and is not acknowledged yet: the acknowledgement of a cursor makes it delivered. */
import type { Ctx } from '../context.ts'
import type { MessageMark } from '../delivery/index.ts'
import { chatEnds, markDelivered } from '../features/marks/index.ts'
import { deliveredFromStream } from '../features/sync/index.ts'
import { within } from '../lib/within.ts'

interface Written {
  place: number
  chatHex: string
  seq: number
}

/** Places kept before the older half of them is made shorter. */
const KEPT = 2000
const ENDS_MS = 1000

export class Unacknowledged {
  readonly #ctx: Ctx
  readonly #userId: string
  #written: Written[] = []
  #most = KEPT
  /** A reset's own position, and where each chat ended then: the device has fetched at least that far. */
  #reset: { place: number; ends: ReadonlyMap<string, number> } | null = null
  /** Once what earlier connections wrote has been looked for. */
  #looked = false

  constructor(ctx: Ctx, userId: string) {
    this.#ctx = ctx
    this.#userId = userId
  }

  note(place: number, { chatHex, seq }: MessageMark): void {
    this.#written.push({ place, chatHex, seq })
    if (this.#written.length > this.#most) this.#shorten()
  }

  resumed(): void {
    this.#written = []
    this.#reset = null
    this.#looked = false
  }

  /** To be called before the reset is answered: what is stored later may be missing in what the device then fetches. */
  async resetAt(place: number): Promise<void> {
    this.#written = []
    const ends = within(ENDS_MS, chatEnds(this.#ctx, this.#userId))
    this.#reset = { place, ends: await ends.catch(() => new Map()) }
  }

  /** The device has stored everything up to there. */
  async acknowledge(upTo: number): Promise<void> {
    const places = new Map<string, number>()
    const raise = (chatHex: string, seq: number) =>
      places.set(chatHex, Math.max(seq, places.get(chatHex) ?? 0))
    const reset = this.#reset !== null && upTo >= this.#reset.place ? this.#reset : null
    for (const [chatHex, seq] of reset?.ends ?? []) raise(chatHex, seq)
    const first = this.#written[0]
    const earlier = !reset && (!this.#looked || !first || upTo < first.place)
    for (const { place, chatHex, seq } of this.#written) {
      if (place > upTo) break
      raise(chatHex, seq)
    }
    await markDelivered(this.#ctx, this.#userId, places)
    if (earlier) await deliveredFromStream(this.#ctx, this.#userId, upTo)
    this.#looked = true
    // Only now: where it failed, the next acknowledgement covers it.
    if (reset === this.#reset) this.#reset = null
    const rest = this.#written.findIndex(({ place }) => place > upTo)
    this.#written.splice(0, rest < 0 ? this.#written.length : rest)
  }

  /** Of the older half the newest place of each chat is enough: it only counts a little later. */
  #shorten(): void {
    const half = this.#written.length / 2
    const newest = new Map<string, Written>()
    for (const written of this.#written.slice(0, half)) {
      // Behind those of other chats: places stay in their order.
      newest.delete(written.chatHex)
      newest.set(written.chatHex, written)
    }
    this.#written.splice(0, half, ...newest.values())
    this.#most = this.#written.length + KEPT / 2
  }
}
