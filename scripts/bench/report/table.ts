// The results as tables for people.
import type { LoadResult } from '../load/measure.ts'
import type { Quantiles } from '../load/tracker.ts'
import { grouped } from '../progress.ts'
import type { Figures, Report } from './figures.ts'
import { findTargets } from './wanted.ts'

const PROCESSES = ['server', 'mongodb', 'redis', 'postgres', 'generator']
const STORES = ['mongodb', 'redis', 'postgres']

/** All that a run found, part by part. */
export function tables({ figures, commit, machine }: Report): string {
  const { loads = [], other, steps = [], growth } = figures
  const parts = [`${commit}, ${machine}`]
  if (loads.length > 0) parts.push(loadTable(loads), `Per message:\n${costTable(loads)}`)
  if (other) parts.push(compareTable(loads, other))
  if (steps.length > 0) parts.push(loadTable(steps))
  if (growth) parts.push(...growthTables(growth))
  const single = singleLines(figures)
  if (single.length > 0) parts.push(single.join('\n'))
  const targets = findTargets(figures)
  if (targets.length > 0)
    parts.push(
      align(
        [
          ['target', 'found', 'wanted', ''],
          ...targets.map(({ name, shown, wanted, isMet }) => [name, shown, wanted, isMet ? 'met' : 'MISSED']),
        ],
        4,
      ),
    )
  return parts.join('\n\n')
}

export function loadTable(loads: LoadResult[]): string {
  const head = [
    '',
    'target',
    'msgs/s',
    'deliveries/s',
    'receive p50/p95/p99 ms',
    'ack p50/p95/p99 ms',
    'errors',
    'stuck',
  ]
  const rows = loads.map((load) => [
    load.workload,
    load.target,
    round(load.messagesPerSecond),
    round(load.deliveriesPerSecond),
    latencies(load.counts.receiveMs),
    latencies(load.counts.ackMs),
    String(load.counts.errors),
    String(load.stuck),
  ])
  return align([head, ...rows])
}

function costTable(loads: LoadResult[]): string {
  const head = [
    '',
    'target',
    ...PROCESSES.map((name) => `${name} µs`),
    ...STORES.map((name) => `${name} trips`),
    'bytes in',
    'out',
  ]
  const rows = loads.map((load) => [
    load.workload,
    load.target,
    ...PROCESSES.map((name) => optional(load.cpuUsPerMessage[name], 0)),
    ...STORES.map((name) => optional(load.commandsPerMessage[name], 3)),
    optional(load.target === 'relay' ? null : load.counts.bytesPerMessage.toServer, 0),
    optional(load.target === 'relay' ? null : load.counts.bytesPerMessage.fromServer, 0),
  ])
  return align([head, ...rows])
}

const ratio = (a: number | undefined, b: number | undefined): string =>
  a === undefined || b === undefined || b === 0 ? '–' : (a / b).toFixed(3)

function compareTable(loads: LoadResult[], other: NonNullable<Figures['other']>): string {
  const rows = other.loads.flatMap((theirs) => {
    const ours = loads.find((load) => load.target === 'parley' && load.workload === theirs.workload)
    if (!ours) return []
    const [our, their] = [ours.counts.receiveMs, theirs.counts.receiveMs]
    return [
      [
        theirs.workload,
        round(ours.messagesPerSecond),
        round(theirs.messagesPerSecond),
        ratio(ours.messagesPerSecond, theirs.messagesPerSecond),
        ratio(our?.p50, their?.p50),
        ratio(our?.p99, their?.p99),
        ...['server', 'mongodb', 'redis'].map((name) =>
          ratio(ours.cpuUsPerMessage[name] ?? undefined, theirs.cpuUsPerMessage[name] ?? undefined),
        ),
      ],
    ]
  })
  const head = [
    '',
    'here msgs/s',
    other.revision,
    'msgs/s ×',
    'p50 ×',
    'p99 ×',
    'server CPU ×',
    'mongodb ×',
    'redis ×',
  ]
  return `This checkout to ${other.revision}:\n${align([head, ...rows], 1)}`
}

const cost = (load: LoadResult): string[] => [
  round(load.messagesPerSecond),
  latencies(load.counts.receiveMs),
  ...['server', 'mongodb', 'redis'].map((name) => optional(load.cpuUsPerMessage[name], 0)),
  String(load.counts.errors + load.stuck),
]

function growthTables(growth: NonNullable<Figures['growth']>): string[] {
  const costHead = ['msgs/s', 'p50/p95/p99 ms', 'server µs', 'mongodb µs', 'redis µs', 'amiss']
  const parts: string[] = []
  if (growth.sizes.length > 0)
    parts.push(
      align(
        [
          ['stored', ...costHead, 'newest page ms', 'deep page ms', 'disk B', 'indexes B', 'seeded in s'],
          ...growth.sizes.map(({ messages, load, newestPageMs, deepPageMs, seeded, ...bytes }) => [
            grouped(messages),
            ...cost(load),
            latencies(newestPageMs),
            latencies(deepPageMs),
            bytes.diskBytesPerMessage.toFixed(0),
            bytes.indexBytesPerMessage.toFixed(0),
            `${seeded.loadSeconds.toFixed(0)} + ${seeded.indexSeconds.toFixed(0)}`,
          ]),
        ],
        0,
      ),
    )
  if (growth.groups.length > 0)
    parts.push(
      align(
        [
          ['members', ...costHead, 'deliveries/s'],
          ...growth.groups.map(({ members, load }) => [
            String(members),
            ...cost(load),
            round(load.deliveriesPerSecond),
          ]),
        ],
        0,
      ),
    )
  if (growth.nodes.length > 0)
    parts.push(
      align(
        [['nodes', ...costHead], ...growth.nodes.map(({ nodes, load }) => [String(nodes), ...cost(load)])],
        0,
      ),
    )
  return parts
}

function singleLines({ loneWriteMs, stores, half, connections, slow, soak }: Figures): string[] {
  const lines: string[] = []
  if (loneWriteMs)
    lines.push(`A lone majority write at W2's rhythm: p50/p95/p99 ${latencies(loneWriteMs)} ms`)
  if (stores)
    lines.push(
      `MongoDB alone takes ${round(stores.mongoDocumentsPerSecond)} documents/s, Redis ${round(stores.redisEntriesPerSecond)} entries/s`,
    )
  if (half)
    lines.push(
      `At ${round(half.ratePerSecond)} msg/s the event loop was late by at most ${ms(half.delay.maxMs)}; p99.9 within ${ms(half.delay.p999Ms)}`,
    )
  if (connections) {
    const { cut } = connections
    lines.push(
      `${grouped(connections.connections)} idle connections: ${kib(connections.rssBytesEach)} RSS each, ${kib(connections.heapBytesEach)} of it in use; ` +
        `${round(connections.signInsPerSecond)} sign-ins/s at ${optional(connections.signInCpuUs, 0)} µs, ${connections.refusals} told to come later`,
      `${grouped(cut.cut)} cut at once: ${grouped(cut.back)} back, half after ${seconds(cut.secondsToHalf)}, 99 % after ${seconds(cut.secondsTo99)}, ` +
        `all after ${seconds(cut.secondsToAll)}; ${cut.refusals} tries were refused`,
      `  a conversation meanwhile: answers p50/p95/p99 ${latencies(connections.meanwhileMs)} ms, at most ${ms(connections.meanwhileMs?.max)} ` +
        `(before ${latencies(connections.calmMs)}); ${connections.meanwhileErrors} refused, ${connections.meanwhileStuck} stuck`,
    )
  }
  if (slow)
    lines.push(
      `${slow.readers} that stop reading, ${grouped(slow.messages)} messages: RSS +${mb(slow.rssGrowthBytes)}, ${mb(slow.heldBytes)} held; ` +
        `the others p50/p95/p99 ${latencies(slow.withMs)} ms (without them ${latencies(slow.withoutMs)})`,
      `  ${slow.returned.converged} of ${slow.readers} have everything ${slow.returned.seconds.toFixed(0)} s after they read again; ` +
        `${slow.returned.oddities} oddities; closed: ${closes(slow.returned.closes)}`,
    )
  if (soak)
    lines.push(
      `${soak.minutes.length} minutes at half load with a storm each: heap ${signed(soak.heapGrowthMibPerHour)} MiB an hour, ` +
        `RSS ${signed(soak.rssGrowthMibPerHour)}; ${soak.errors} refused, ${soak.stuck} stuck`,
    )
  return lines
}

/** Columns from `numbersFrom` on are pushed to the right. */
export function align(rows: string[][], numbersFrom = 2): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const pad = (cell: string, column: number): string =>
    column < numbersFrom ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}

export function latencies(quantiles: Quantiles | null): string {
  if (quantiles === null) return '–'
  return [quantiles.p50, quantiles.p95, quantiles.p99].map((ms) => ms.toFixed(ms < 10 ? 2 : 1)).join(' / ')
}

export const round = (value: number): string => (value < 100 ? value.toFixed(1) : grouped(value))

export const optional = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? '–' : value.toFixed(digits)

const ms = (value: number | null | undefined): string => `${optional(value, 1)} ms`
const seconds = (value: number | null): string => `${optional(value, 1)} s`
const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`
const mb = (bytes: number | null): string => `${optional(bytes === null ? null : bytes / 1_000_000, 1)} MB`
const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(1)}`
const closes = (all: Record<string, number>): string =>
  Object.entries(all)
    .map(([code, count]) => `${count} with ${code}`)
    .join(', ') || 'none'
