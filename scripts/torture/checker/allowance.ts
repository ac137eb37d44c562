// How long something may take: the promise's own time, and beyond it what the faults around it allow.
import type { Fault } from '../history/operation.ts'

const HEAL_MS = 10_000
const HEAL_MONGO_MS = 15_000

export class Allowance {
  readonly faults: Fault[]

  constructor(faults: Fault[]) {
    this.faults = faults.toSorted((a, b) => a.at - b.at)
  }

  /** The latest moment for what began at `start`: faults that lie in the way move it to the end of their healing. */
  deadline(start: number, patienceMs: number, own: Fault[] = []): number {
    let deadline = start + patienceMs
    const faults = own.length === 0 ? this.faults : [...own, ...this.faults].sort((a, b) => a.at - b.at)
    for (const fault of faults) {
      if (fault.at > deadline) break
      const healed = fault.until + healMs(fault)
      if (healed >= start) deadline = Math.max(deadline, healed)
    }
    return deadline
  }

  /** Those that overlap a span, or were still healing in it. */
  around(from: number, to: number): Fault[] {
    return this.faults.filter((fault) => fault.at <= to && fault.until + healMs(fault) >= from)
  }

  describe(from: number, to: number): string {
    const names = this.around(from, to).map(
      ({ name, at, until }) => `${name} ${seconds(at)}–${seconds(until)}`,
    )
    return names.length === 0 ? 'no fault around' : `faults: ${names.join(', ')}`
  }
}

export function healMs({ concerns }: Fault): number {
  return concerns === 'mongo' ? HEAL_MONGO_MS : HEAL_MS
}

/** A moment of the run as it is read. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
