// Throughput against latency as an SVG of its own: no library, readable on light and on dark.
import type { LoadResult } from '../load/measure.ts'
import type { Quantiles } from '../load/tracker.ts'

const WIDTH = 720
const HEIGHT = 420
const LEFT = 64
const RIGHT = 24
const TOP = 56
const BOTTOM = 56

type Scale = { at: (value: number) => number; ticks: number[] }

const STYLE = `
  :root { color-scheme: light dark; --ink: #1f2328; --faint: #59636e; --line: #d1d9e0; --a: #0a5fb4; --b: #b4540a; --paper: #fff }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6edf3; --faint: #9198a1; --line: #3d444d; --a: #6cb6ff; --b: #f0a35e; --paper: #0d1117 }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--faint) }
  .title { font-size: 15px; font-weight: 600; fill: var(--ink) }
  .grid { stroke: var(--line); stroke-width: 1 }
  .p50 { stroke: var(--a); fill: none; stroke-width: 2.5 }
  .p99 { stroke: var(--b); fill: none; stroke-width: 2.5 }
  .dot50 { fill: var(--a) }
  .dot99 { fill: var(--b) }
  .name50 { fill: var(--a); font-weight: 600 }
  .name99 { fill: var(--b); font-weight: 600 }`

/** The steps in the order of their rates. Both axes are logarithmic: each doubling takes the same room. */
export function latencyChart(steps: LoadResult[], subtitle: string): string {
  const points = steps.flatMap(({ messagesPerSecond: rate, counts }) =>
    counts.receiveMs === null ? [] : [{ rate, ms: counts.receiveMs }],
  )
  if (points.length < 2) throw new Error('a chart needs two steps at least')
  const x = logScale(
    points.map(({ rate }) => rate),
    LEFT,
    WIDTH - RIGHT,
  )
  const y = logScale(
    points.flatMap(({ ms }) => [ms.p50, ms.p99]),
    HEIGHT - BOTTOM,
    TOP,
  )
  const lineOf = (pick: (ms: Quantiles) => number): string =>
    points.map(({ rate, ms }) => `${x.at(rate).toFixed(1)},${y.at(pick(ms)).toFixed(1)}`).join(' ')
  const dots = (name: string, pick: (ms: Quantiles) => number): string[] =>
    points.map(
      ({ rate, ms }) =>
        `<circle class="${name}" cx="${x.at(rate).toFixed(1)}" cy="${y.at(pick(ms)).toFixed(1)}" r="3.5">` +
        `<title>${Math.round(rate)} msg/s: ${pick(ms).toFixed(1)} ms</title></circle>`,
    )
  const first = points[0] as (typeof points)[number]
  // Where both lines begin they are flat and apart, so that a name crosses neither.
  const nameOf = (name: string, label: string, value: number): string =>
    `<text class="${name}" x="${x.at(first.rate).toFixed(1)}" y="${(y.at(value) - 10).toFixed(1)}">${label}</text>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Latency at rising rates">`,
    `<style>${STYLE}\n</style>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" style="fill: var(--paper)"/>`,
    `<text class="title" x="${LEFT}" y="24">From the send to the recipient, at rising rates</text>`,
    `<text x="${LEFT}" y="42">${escapeText(subtitle)}</text>`,
    ...y.ticks.map(
      (tick) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.at(tick).toFixed(1)}" y2="${y.at(tick).toFixed(1)}"/>` +
        `<text x="${LEFT - 8}" y="${(y.at(tick) + 4).toFixed(1)}" text-anchor="end">${tick} ms</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<line class="grid" x1="${x.at(tick).toFixed(1)}" x2="${x.at(tick).toFixed(1)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` +
        `<text x="${x.at(tick).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${tick.toLocaleString('en-US')}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle">messages a second</text>`,
    `<polyline class="p99" points="${lineOf((ms) => ms.p99)}"/>`,
    `<polyline class="p50" points="${lineOf((ms) => ms.p50)}"/>`,
    ...dots('dot99', (ms) => ms.p99),
    ...dots('dot50', (ms) => ms.p50),
    nameOf('name99', 'p99', first.ms.p99),
    nameOf('name50', 'p50', first.ms.p50),
    '</svg>\n',
  ].join('\n')
}

function logScale(values: number[], from: number, to: number): Scale {
  const low = Math.log10(Math.min(...values) / 1.2)
  const high = Math.log10(Math.max(...values) * 1.2)
  const at = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from)
  const ticks: number[] = []
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1)
    for (const step of [1, 2, 5]) {
      const tick = Number((step * 10 ** power).toPrecision(3))
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick)
    }
  return { at, ticks }
}

const escapeText = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
