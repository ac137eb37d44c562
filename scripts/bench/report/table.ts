// The results as a table for people.
import type { Result } from './measure.ts'
import type { Quantiles } from './tracker.ts'

const PROCESSES = ['server', 'mongodb', 'redis', 'postgres', 'generator']
const STORES = ['mongodb', 'redis', 'postgres']

/** Rates by ratio of rates; at a fixed rate (W2) the median latency is what can be compared. */
export function ratioToRelay(result: Result, relay: Result): number | null {
  if (result.workload === 'W2') {
    const [own, base] = [result.counts.receiveMs?.p50, relay.counts.receiveMs?.p50]
    return own === undefined || base === undefined ? null : own / base
  }
  return relay.messagesPerSecond === 0 ? null : result.messagesPerSecond / relay.messagesPerSecond
}

export function table(results: Result[]): string {
  const head = [
    [
      '',
      'target',
      'msgs/s',
      'deliveries/s',
      'receive p50/p95/p99 ms',
      'ack p50/p95/p99 ms',
      'errors',
      'stuck',
    ],
  ]
  const rows = results.map((result) => [
    result.workload,
    result.target,
    round(result.messagesPerSecond),
    round(result.deliveriesPerSecond),
    latencies(result.counts.receiveMs),
    latencies(result.counts.ackMs),
    String(result.counts.errors),
    String(result.stuck),
  ])
  const costHead = [
    [
      '',
      'target',
      ...PROCESSES.map((name) => `${name} µs`),
      ...STORES.map((name) => `${name} trips`),
      'to relay',
    ],
  ]
  const costs = results.map((result) => {
    const relay = results.find((other) => other.target === 'relay' && other.workload === result.workload)
    const ratio = relay === undefined || relay === result ? null : ratioToRelay(result, relay)
    return [
      result.workload,
      result.target,
      ...PROCESSES.map((name) => optional(result.cpuUsPerMessage[name], 0)),
      ...STORES.map((name) => optional(result.commandsPerMessage[name], 3)),
      ratio === null ? '–' : `${ratio.toFixed(2)}${result.workload === 'W2' ? ' (p50)' : ''}`,
    ]
  })
  return [align([...head, ...rows]), '', 'Per message:', align([...costHead, ...costs])].join('\n')
}

function align(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  const pad = (cell: string, column: number): string =>
    column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}

function latencies(quantiles: Quantiles | null): string {
  if (quantiles === null) return '–'
  return [quantiles.p50, quantiles.p95, quantiles.p99].map((ms) => ms.toFixed(ms < 10 ? 2 : 1)).join(' / ')
}

function round(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')
}

function optional(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined ? '–' : value.toFixed(digits)
}
