// Which faults come, in which order, and for how long: drawn from the seed alone, so that a run can be repeated.
import type { Fault } from './faults/fault.ts'
import { type Random, seeded } from './random.ts'

export type Stroke = {
  fault: Fault
  lastsMs: number
}

/** One or two faults at once, after a while without any. */
export type Step = {
  quietMs: number
  strokes: Stroke[]
  /** Draws what the faults decide for themselves: which node, which moment. */
  random: Random
}

const QUIET_MS: [number, number] = [1_000, 3_000]

export type ScheduleOptions = { seed: number; faults: Fault[]; outageMs: number }

/** Each kind once in drawn order; from then on pairs, which do not break the same thing, without end. */
export function* schedule({ seed, faults, outageMs }: ScheduleOptions): Generator<Step> {
  const random = seeded(seed)
  const stepOf = (...chosen: Fault[]): Step => ({
    quietMs: random.between(...QUIET_MS),
    strokes: chosen.map((fault) => ({
      fault,
      lastsMs: fault.isOutage ? outageMs : random.between(...fault.lastsMs),
    })),
    random: seeded(random.between(0, 2 ** 31)),
  })
  for (;;) {
    for (const fault of random.shuffle(faults)) yield stepOf(fault)
    for (const [one, other] of pairsOf(faults, random)) yield stepOf(one, other)
  }
}

function pairsOf(faults: Fault[], random: Random): [Fault, Fault][] {
  const mayPair = faults.filter(({ name }) => name !== 'mongo-no-majority')
  const [left, right] = [random.shuffle(mayPair), random.shuffle(mayPair)]
  return left.flatMap((one, i): [Fault, Fault][] => {
    const other = right[i]
    return other && other.concerns !== one.concerns ? [[one, other]] : []
  })
}
