// The people of a run as its conductor sees them: they live by themselves, and can be asked to come to rest.
import { setTimeout as sleep } from 'node:timers/promises'
import type { History } from '../history/history.ts'
import { seeded } from '../random.ts'
import { Acts } from './acts.ts'
import { makeCast, type Cast, type Person } from './cast.ts'
import type { Device, Stage } from './device.ts'
import { Load } from './load.ts'
import { Names } from './memory.ts'
import { Prober, type Probe } from './probe.ts'
import { comeToRest, countAll, recordHeld } from './rest.ts'

export type PopulationOptions = {
  /** Base URLs of the ways to the nodes, one each. */
  doors: string[]
  /** Where the devices keep what must outlive them. */
  folder: string
  seed: number
  history: History
  people?: number
  ratePerSecond?: number
  /** False starts without load: `resume` sets it going. */
  isBusy?: boolean
}

export type Counts = {
  sent: number
  acknowledged: number
  /** Answers to the same message sent again. */
  repeated: number
  refused: number
  /** Messages that came to devices by push. */
  pushed: number
  fetched: number
  acts: number
  devices: number
  connected: number
  unsent: number
}

const PEOPLE = 24
const RATE_PER_SECOND = 180
const PROBE_TIMEOUT_MS = 30_000
const CARE_MS = 1_000
/** This process standing still is no fault of the server's. */
const STALL_MS = 750

/** Registers the people, makes their chats, connects everybody and sets the load going. */
export async function startPopulation(options: PopulationOptions): Promise<Population> {
  const { doors, folder, seed, history, people = PEOPLE } = options
  const ended = new AbortController()
  const stage: Stage = { doors, folder, history, names: new Names(), random: seeded(seed), ended }
  const cast = await makeCast(stage, people)
  const prober = await Prober.make(stage)
  for (const person of cast.people) for (const device of person.devices) device.enter()
  const population = new Population(stage, cast, prober, options.ratePerSecond ?? RATE_PER_SECOND)
  await comeToRest([...cast.people, ...prober.people], () => 0, PROBE_TIMEOUT_MS)
  if (options.isBusy !== false) population.resume()
  return population
}

export class Population {
  readonly #stage: Stage
  readonly #cast: Cast
  readonly #prober: Prober
  readonly #acts: Acts
  readonly #load: Load
  readonly #caring: Promise<void>

  constructor(stage: Stage, cast: Cast, prober: Prober, ratePerSecond: number) {
    this.#stage = stage
    this.#cast = cast
    this.#prober = prober
    this.#acts = new Acts(stage)
    this.#load = new Load(cast, this.#acts, stage.random, ratePerSecond)
    this.#caring = this.#care()
  }

  /** The load pauses; what is under way goes on. */
  pause(): void {
    this.#load.pause()
  }

  resume(): void {
    this.#load.start()
  }

  /** A moment of rest in which the server's numbers are taken; false where it did not come. The load stays paused. */
  async quiet(timeoutMs: number): Promise<boolean> {
    this.pause()
    const isQuiet = await comeToRest(this.#everyone(), () => this.#acts.underWay, timeoutMs)
    if (isQuiet) await countAll(this.#stage, this.#cast.people)
    return isQuiet
  }

  /** The end: rest, numbers, and what everybody holds. What is missing after the time is recorded as it is. */
  async settle(timeoutMs: number): Promise<boolean> {
    const isQuiet = await this.quiet(timeoutMs)
    this.#stage.history.record({
      kind: 'note',
      at: this.#stage.history.now(),
      text: isQuiet ? 'settled' : 'not settled',
    })
    await recordHeld(this.#stage, this.#everyone())
    return isQuiet
  }

  /** Cuts every connection at once. */
  storm(): void {
    for (const device of this.#devices()) device.cut()
  }

  /** Some devices stop reading for a while. */
  slow(count: number, ms: number): void {
    const some = this.#stage.random.shuffle(this.#cast.people.flatMap((person) => person.devices))
    for (const device of some.slice(0, count)) device.readSlowly(ms)
  }

  /** One message through a door: how long until the ack, and until it is at a device behind each door. */
  probe(door: number, timeoutMs: number = PROBE_TIMEOUT_MS): Promise<Probe> {
    return this.#prober.probe(door, timeoutMs)
  }

  counts(): Counts {
    this.#tally()
    const devices = this.#devices()
    return {
      ...this.#counted,
      devices: devices.length,
      connected: devices.filter((device) => device.isUp).length,
      unsent: devices.reduce((sum, device) => sum + device.outbox.size, 0),
    }
  }

  async stop(): Promise<void> {
    this.pause()
    this.#stage.ended.abort()
    await Promise.all(this.#devices().map((device) => device.goOffline()))
    await this.#caring
    await this.#acts.settled()
  }

  readonly #counted = { sent: 0, acknowledged: 0, repeated: 0, refused: 0, pushed: 0, fetched: 0, acts: 0 }
  #tallied = 0

  #tally(): void {
    const { operations } = this.#stage.history
    const counted = this.#counted
    for (; this.#tallied < operations.length; this.#tallied += 1) {
      const op = operations[this.#tallied]
      if (op?.kind === 'sent' && (op.play === 'plain' || op.play === 'twice')) counted.sent += 1
      else if (op?.kind === 'acked') counted[op.play === 'plain' ? 'acknowledged' : 'repeated'] += 1
      else if (op?.kind === 'refused') counted.refused += 1
      else if (op?.kind === 'received') counted[op.live ? 'pushed' : 'fetched'] += 1
      else if (op?.kind === 'act') counted.acts += 1
    }
  }

  #everyone(): Person[] {
    return [...this.#cast.people, ...this.#prober.people]
  }

  #devices(): Device[] {
    return this.#everyone().flatMap((person) => person.devices)
  }

  /** People whose session ended sign in again; and this process watches itself. */
  async #care(): Promise<void> {
    const { ended, history } = this.#stage
    while (!ended.signal.aborted) {
      const before = history.now()
      await sleep(CARE_MS, null, { signal: ended.signal }).catch(() => {})
      const at = before + CARE_MS
      const until = history.now()
      if (until - at > STALL_MS) {
        history.record({
          kind: 'fault',
          name: 'driver stood still',
          at,
          until,
          healedAt: until,
          concerns: 'client',
        })
      }
      for (const person of this.#cast.people) {
        const gone = person.devices.find((device) => device.isOut)
        if (gone !== undefined && !ended.signal.aborted) this.#replace(person, gone)
      }
    }
  }

  readonly #replacing = new Set<Device>()

  #replace(person: Person, gone: Device): void {
    if (this.#replacing.has(gone)) return
    this.#replacing.add(gone)
    this.#acts.replace(person, gone).catch(() => this.#replacing.delete(gone))
  }
}
