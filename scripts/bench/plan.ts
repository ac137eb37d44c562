// What is measured, and the words in which the orchestrator and the generator speak to each other.
import type { Counts } from './tracker.ts'

export type WorkloadName = 'W1' | 'W2' | 'W3'

export type Workload = {
  name: WorkloadName
  title: string
  /** People connected; in pairs, or all in one group. */
  people: number
  shape: 'pairs' | 'group'
  /** Lanes that send; the other pairs only listen. */
  lanes: number
  /** Messages in flight on each lane (closed loop), or messages a second on lane 0 (open loop). */
  load: { window: number } | { ratePerSecond: number }
  recipients: number
}

export const WORKLOADS: Workload[] = [
  {
    name: 'W1',
    title: '50 pairs, 8 in flight each',
    people: 100,
    shape: 'pairs',
    lanes: 50,
    load: { window: 8 },
    recipients: 1,
  },
  {
    name: 'W2',
    title: 'one sender at 20 msg/s, 20 idle pairs',
    people: 42,
    shape: 'pairs',
    lanes: 1,
    load: { ratePerSecond: 20 },
    recipients: 1,
  },
  {
    name: 'W3',
    title: 'a group of 256, one sender, 8 in flight',
    people: 256,
    shape: 'group',
    lanes: 1,
    load: { window: 8 },
    recipients: 255,
  },
]

export const MESSAGE_BYTES = 100

export type Person = { id: string; token: string }

/** Where the load goes: Parley with its people and chats, or the relay, which knows neither. */
export type TargetPlan =
  | { kind: 'parley'; url: string; people: Person[]; chatIds: string[]; withReceipts: boolean }
  | { kind: 'relay'; url: string }

export type Order = { workload: Workload; target: TargetPlan; warmupSeconds: number; seconds: number }

export type ToGenerator = { type: 'run'; order: Order } | { type: 'measure' }

export type FromGenerator =
  | { type: 'connected'; sockets: number }
  | { type: 'warm' }
  | { type: 'progress'; second: number; perSecond: number }
  | { type: 'measured'; counts: Counts; seconds: number }
  | { type: 'drained'; stuck: number }

/** The text of a message names its lane and number, so that a received one can be told without parsing. */
export function textOf(lane: number, number: number): string {
  return `${lane}|${number}|`.padEnd(MESSAGE_BYTES, 'x')
}
