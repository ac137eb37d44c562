// What is measured, and the words in which the orchestrator and the generator speak to each other.
import type { Counts } from './load/tracker.ts'

/** Messages over open sockets. The other things to run (`EXTRAS`) have folders of their own. */
export type Workload = {
  name: string
  title: string
  /** People connected; in pairs, or all in one group. */
  people: number
  shape: 'pairs' | 'group'
  /** Lanes that send; the other pairs only listen. */
  lanes: number
  /** Messages in flight on each lane (closed loop), or messages a second over all lanes (open loop). */
  load: { window: number } | { ratePerSecond: number }
  recipients: number
  /** Of each message's text; 100 without it. */
  bytes?: number
}

const PAIRS = 50

export const W1: Workload = {
  name: 'W1',
  title: '50 pairs, 8 in flight each',
  people: 2 * PAIRS,
  shape: 'pairs',
  lanes: PAIRS,
  load: { window: 8 },
  recipients: 1,
}

export const W2: Workload = {
  name: 'W2',
  title: 'one sender at 20 msg/s, 20 idle pairs',
  people: 42,
  shape: 'pairs',
  lanes: 1,
  load: { ratePerSecond: 20 },
  recipients: 1,
}

export const W3: Workload = groupOf(256, 'W3')

export const LOADS: Workload[] = [W1, W2, W3]

/** One sender into a group; a message counts when all others have it. */
export function groupOf(members: number, name: string): Workload {
  return {
    name,
    title: `a group of ${members}, one sender, 8 in flight`,
    people: members,
    shape: 'group',
    lanes: 1,
    load: { window: 8 },
    recipients: members - 1,
  }
}

/** W1's pairs, but so many messages a second whatever the answers. */
export function pairsAt(ratePerSecond: number, name: string): Workload {
  return { ...W1, name, title: `50 pairs, ${ratePerSecond} msg/s`, load: { ratePerSecond } }
}

export const EXTRAS = [
  { name: 'W4', title: 'idle signed-in connections; then 5,000 cut at once and back' },
  { name: 'half', title: "stalls of the event loop at half of W1's rate" },
  { name: 'slow', title: '50 sockets that stop reading while messages of 2 KB come' },
  { name: 'stores', title: 'what MongoDB and Redis take alone' },
] as const

export const MESSAGE_BYTES = 100

export type Person = { id: string; token: string }

/** Where the load goes: Parley with its people and chats, or the relay, which knows neither. */
export type TargetPlan =
  | { kind: 'parley'; urls: string[]; people: Person[]; chatIds: string[]; withReceipts: boolean }
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
export function textOf(lane: number, number: number, bytes = MESSAGE_BYTES): string {
  return `${lane}|${number}|`.padEnd(bytes, 'x')
}

/** The lane's sender and, in pairs, who listens: spread over the nodes, so that a pair lies on two of them. */
export const nodeOf = (person: number, nodes: number): number => person % nodes
