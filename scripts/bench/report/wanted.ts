// What is aimed at, beside what was found. All of it is a ratio within one run, or a bound that any machine can hold.
import type { LoadResult } from '../load/measure.ts'
import type { Figures } from './figures.ts'

export type Target = { name: string; found: number; shown: string; wanted: string; isMet: boolean }

/** The targets that this run can say something about. */
export function findTargets(figures: Figures): Target[] {
  return [
    ...loadTargets(figures),
    ...connectionTargets(figures),
    ...half(figures),
    ...slowTargets(figures),
    ...growthTargets(figures),
  ]
}

// Memory is the larger of what the process grew by and what is in use after a collection: pages that an earlier load
// has left free would hide a growth otherwise.

const KIB = 1024
const MB = 1_000_000

const atLeast = (name: string, found: number, bound: number, unit = '', digits = 2): Target => ({
  name,
  found,
  shown: `${found.toFixed(digits)}${unit}`,
  wanted: `at least ${bound}${unit}`,
  isMet: found >= bound,
})

const atMost = (name: string, found: number, bound: number, unit = '', digits = 2): Target => ({
  name,
  found,
  shown: `${found.toFixed(digits)}${unit}`,
  wanted: `at most ${bound}${unit}`,
  isMet: found <= bound,
})

const loadOf = (loads: LoadResult[], name: string, target: LoadResult['target']): LoadResult | undefined =>
  loads.find((load) => load.workload === name && load.target === target)

function loadTargets({ loads = [], loneWriteMs }: Figures): Target[] {
  const found: Target[] = []
  const both = (name: string): [LoadResult, LoadResult] | null => {
    const [own, relay] = [loadOf(loads, name, 'parley'), loadOf(loads, name, 'relay')]
    return own && relay ? [own, relay] : null
  }
  const w1 = both('W1')
  if (w1) {
    found.push(
      atLeast('W1 msg/s, to the relay', w1[0].messagesPerSecond / w1[1].messagesPerSecond, 0.1, '', 3),
    )
    if (w1[0].counts.receiveMs) found.push(atMost('W1 p99', w1[0].counts.receiveMs.p99, 100, ' ms', 1))
  }
  const w2 = both('W2')
  if (w2 && loneWriteMs && w2[0].counts.receiveMs && w2[1].counts.receiveMs) {
    const floor = loneWriteMs.p50 + w2[1].counts.receiveMs.p50
    found.push(atMost('W2 p50, to lone write + relay', w2[0].counts.receiveMs.p50 / floor, 1.3))
  }
  const w3 = both('W3')
  if (w3)
    found.push(
      atLeast('W3 deliveries/s, to the relay', w3[0].deliveriesPerSecond / w3[1].deliveriesPerSecond, 0.4),
    )
  const own = loads.filter(({ target }) => target === 'parley')
  const amiss = own.reduce((sum, { counts, stuck }) => sum + counts.errors + stuck, 0)
  if (own.length > 0) found.push(atMost('messages refused or not delivered', amiss, 0, '', 0))
  return found
}

function connectionTargets({ connections }: Figures): Target[] {
  if (connections === undefined) return []
  const { rssBytesEach, heapBytesEach, signInsPerSecond, cut } = connections
  return [
    atMost('W4 memory of a connection', Math.max(rssBytesEach, heapBytesEach) / KIB, 25, ' KiB', 1),
    atLeast('W4 sign-ins a second', signInsPerSecond, 1000, '', 0),
    atMost('W4 99 % of the cut are back', cut.secondsTo99 ?? Number.POSITIVE_INFINITY, 15, ' s', 1),
  ]
}

function half({ half }: Figures): Target[] {
  const maxMs = half?.delay.maxMs
  return typeof maxMs === 'number' ? [atMost('longest stall at half load', maxMs, 50, ' ms', 1)] : []
}

function slowTargets({ slow }: Figures): Target[] {
  if (slow === undefined) return []
  const found: Target[] = []
  const held = Math.max(slow.rssGrowthBytes ?? 0, slow.heldBytes)
  found.push(atMost('memory for those that stop reading', held / MB, 64, ' MB', 1))
  if (slow.withMs && slow.withoutMs)
    found.push(atMost("the others' p99, with to without", slow.withMs.p99 / slow.withoutMs.p99, 1.5))
  found.push(atLeast('of them back with everything', slow.returned.converged, slow.readers, '', 0))
  return found
}

function growthTargets({ growth }: Figures): Target[] {
  const [first, last] = [growth?.sizes[0], growth?.sizes.at(-1)]
  if (first === undefined || last === undefined || first === last) return []
  const span = `${last.messages.toLocaleString('en-US')} stored to ${first.messages.toLocaleString('en-US')}`
  return [
    atLeast(`W1 msg/s, ${span}`, last.load.messagesPerSecond / first.load.messagesPerSecond, 0.8),
    atMost(`newest history page, ${span}`, last.newestPageMs.p50 / first.newestPageMs.p50, 1.5),
    atMost(`deep history page, ${span}`, last.deepPageMs.p50 / first.deepPageMs.p50, 1.5),
  ]
}
