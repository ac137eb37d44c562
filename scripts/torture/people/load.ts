// What the people do: a steady stream of messages, some in bursts, and now and then everything else that people do
// with a messenger. Seeded; what is drawn does not depend on the answers, only whether it can be done now does.
import type { Acts } from './acts.ts'
import type { Cast, Person, Room } from './cast.ts'
import type { Device } from './device.ts'
import type { Random } from '../random.ts'

const TICK_MS = 20
/** A device with so much unsent writes no more: an outage must not pile up what nobody could have typed. */
const UNSENT_MAX = 25
const BURST_SHARE = 0.05
const BURST_MAX = 12
/** How often each thing happens in a second. */
const PER_SECOND = {
  edit: 1,
  remove: 0.5,
  react: 0.4,
  read: 6,
  twice: 1,
  late: 0.5,
  other: 0.3,
  membership: 0.25,
  block: 0.25,
  away: 0.3,
  revoke: 0.04,
} as const

type Kind = keyof typeof PER_SECOND

export class Load {
  readonly #cast: Cast
  readonly #acts: Acts
  readonly #random: Random
  readonly #perTick: number
  readonly #drawn: Room[]
  #due = 0
  #timer: NodeJS.Timeout | null = null
  #lastTick = 0

  constructor(cast: Cast, acts: Acts, random: Random, ratePerSecond: number) {
    this.#cast = cast
    this.#acts = acts
    this.#random = random
    this.#perTick = (ratePerSecond * TICK_MS) / 1000
    this.#drawn = cast.rooms.flatMap((room) => Array.from({ length: room.weight }, () => room))
  }

  start(): void {
    this.#lastTick = performance.now()
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS)
  }

  pause(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  // A late timer is made up for, within reason, so that the rate is kept.
  #tick(): void {
    const now = performance.now()
    const ticks = Math.min(10, (now - this.#lastTick) / TICK_MS)
    this.#lastTick = now
    this.#due += this.#perTick * ticks
    while (this.#due >= 1) this.#due -= this.#write()
    for (const kind of Object.keys(PER_SECOND) as Kind[]) {
      if (this.#random.next() < (PER_SECOND[kind] * TICK_MS * ticks) / 1000) this.#do(kind)
    }
  }

  /** One message, or a burst of them; answers how many. */
  #write(): number {
    const room = this.#random.pick(this.#drawn)
    const count = this.#random.next() < BURST_SHARE ? this.#random.between(3, BURST_MAX) : 1
    const device = this.#writer(room)
    if (device === null || device.outbox.size > UNSENT_MAX) return 1
    for (let i = 0; i < count; i += 1) this.#acts.send(device, room)
    return count
  }

  #do(kind: Kind): void {
    const room = this.#random.pick(this.#drawn)
    const device = this.#writer(room)
    if (kind === 'membership') this.#acts.changeMembership(this.#random.pick(this.#cast.rooms))
    else if (kind === 'block') this.#acts.changeBlock(this.#random.pick(this.#cast.rooms))
    else if (kind === 'away')
      this.#acts.goAway(this.#random.pick(this.#random.pick(this.#cast.people).devices))
    else if (kind === 'revoke') this.#acts.revoke(this.#random.pick(this.#cast.people))
    else if (device !== null) this.#acts[kind](device, room)
  }

  #writer(room: Room): Device | null {
    const people: Person[] = room.type === 'broadcast' ? [room.owner] : room.all
    const person = this.#random.pick(people)
    const device = this.#random.pick(person.devices)
    return room.present.has(person) && !device.isOut ? device : null
  }
}
