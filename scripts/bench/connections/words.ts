// The words in which the orchestrator and the holder of connections speak to each other.
import type { Quantiles } from '../load/tracker.ts'

export type ToHolder =
  | { type: 'open'; urls: string[]; tokens: string[]; width: number }
  | { type: 'cut'; count: number; jitterMs: number; deadlineMs: number }

export type Opened = {
  type: 'opened'
  count: number
  seconds: number
  refusals: number
  waitMs: Quantiles | null
}

export type Backed = {
  type: 'backed'
  cut: number
  back: number
  secondsToHalf: number | null
  secondsTo99: number | null
  secondsToAll: number | null
  refusals: number
}

export type FromHolder = { type: 'progress'; count: number } | Opened | Backed
