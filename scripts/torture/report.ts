// What a run has shown, for people and for programs.
import type { Verdict } from './checker/check.ts'
import type { Struck } from './strike.ts'

export type Report = {
  seed: number
  nodes: number
  mongo: number
  seconds: number
  ok: boolean
  /** Of the clients: acknowledged, delivered, repeats and so on, as the population counts them. */
  counts: Record<string, number>
  faults: { count: number; kinds: number; struck: Struck[] }
  verdicts: Verdict[]
  /** What kept the harness itself from doing as it should. */
  troubles: string[]
  /** Where the history and the logs of the nodes are; null where nothing was kept. */
  kept: string | null
}

/** Takes a line of progress. */
export type Say = (line: string) => void

const COUNTEREXAMPLES_SHOWN = 8

/** The whole as a text. */
export function asText(report: Report): string {
  const { seed, nodes, mongo, seconds, faults, troubles, kept } = report
  const parts = [
    faultTable(faults.struck),
    verdictTable(report.verdicts),
    countLine(report.counts, seconds),
    `${faults.count} faults of ${faults.kinds} ${faults.kinds === 1 ? 'kind' : 'kinds'} on ${nodes} nodes and ${mongo} mongods in ${seconds} s, seed ${seed}`,
    ...troubles.map((trouble) => `trouble: ${trouble}`),
    ...(kept === null ? [] : [`kept: ${kept}`]),
    report.ok ? 'Every invariant held.' : 'NOT every invariant held.',
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function faultTable(struck: Struck[]): string {
  const names = [...new Set(struck.map(({ name }) => name))].sort()
  const rows = names.map((name) => {
    const all = struck.filter((one) => one.name === name)
    const times = all.map(({ until, healedAt }) => (healedAt === null ? Infinity : (healedAt - until) / 1000))
    const worst = Math.max(...times)
    const allowed = Math.max(...all.map(({ healSeconds }) => healSeconds))
    const isLate = all.some(
      ({ until, healedAt, healSeconds }) => healedAt === null || healedAt - until > healSeconds * 1000,
    )
    const shown = worst === Infinity ? 'never' : `${worst.toFixed(1)} s`
    return [name, String(all.length), shown, `${allowed} s`, isLate ? 'LATE' : '']
  })
  return rows.length === 0 ? '' : columns([['fault', 'times', 'healed', 'allowed', ''], ...rows])
}

function verdictTable(verdicts: Verdict[]): string {
  return verdicts
    .map(({ invariant, title, ok, checked, counterexamples }) => {
      const head = `${ok ? 'held  ' : 'BROKEN'} ${String(invariant).padStart(2)} ${title} (${checked.toLocaleString('en-US')} checked)`
      const shown = counterexamples.slice(0, COUNTEREXAMPLES_SHOWN).map((sentence) => `          ${sentence}`)
      const more = counterexamples.length - shown.length
      return [head, ...shown, ...(more > 0 ? [`          and ${more} more`] : [])].join('\n')
    })
    .join('\n')
}

function countLine(counts: Record<string, number>, seconds: number): string {
  const rate =
    counts.acknowledged === undefined
      ? ''
      : ` (${Math.round(counts.acknowledged / seconds)} acknowledged a second)`
  const all = Object.entries(counts).map(([name, count]) => `${name} ${count.toLocaleString('en-US')}`)
  return all.length === 0 ? '' : all.join(', ') + rate
}

function columns(rows: string[][]): string {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? []
  const pad = (cell: string, i: number): string =>
    i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}
