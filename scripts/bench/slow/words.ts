// The words in which the orchestrator and the slow readers speak to each other.
import type { Person } from '../plan.ts'

export type ToReaders =
  | { type: 'open'; urls: string[]; people: Person[] }
  | { type: 'return'; chatId: string; lastSeq: number; deadlineMs: number }

export type Returned = {
  type: 'returned'
  /** How many have every message of the chat. */
  converged: number
  seconds: number
  /** Broken promises that they saw: places filled twice, a catch-up with holes. */
  oddities: number
  /** How their connections ended, by code. */
  closes: Record<string, number>
}

export type FromReaders = { type: 'paused' } | { type: 'progress'; there: number; share: number } | Returned
