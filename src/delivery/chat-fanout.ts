/** What is told of one chat: events under consecutive revisions, and who hears each. */
import type { Partitions } from '../stores/redis-keys.ts'

export interface FanoutEvent {
  rev: number
  /** Index into `sets`. */
  set: number
  payload: string
  /** Who does not count it as unread; '' where nobody counts it. */
  unreadFor: string
  /** The connection that gets an ack instead of the event. */
  origin: string
}

/** Consecutive revisions `from`…`to` of one chat; a revision without an event is told to nobody. */
export interface ChatFanout {
  chatHex: string
  from: number
  to: number
  /** Joined user ids. */
  sets: string[]
  events: FanoutEvent[]
}

/** The part of it that one partition of Redis holds: told in one step there, under a mark of its own. */
export interface PartFanout extends ChatFanout {
  tag: string
}

/**
 * Jobs of one chat in their order, those without a hole between them as one. Between two that are not consecutive lie
 * another node's revisions: telling both at once would pass over them.
 */
export function mergeJobs<T extends ChatFanout>(jobs: T[]): T[] {
  const merged: T[] = []
  for (const job of jobs) {
    const last = merged.at(-1)
    if (!last || job.from !== last.to + 1) {
      merged.push({ ...job, sets: [...job.sets], events: [...job.events] })
      continue
    }
    const shift = last.sets.length
    last.sets.push(...job.sets)
    last.events.push(...job.events.map((event) => ({ ...event, set: event.set + shift })))
    last.to = job.to
  }
  return merged
}

/** A job apart by partition: the sets keep their numbers, those without anybody in a partition are empty there. */
export function splitJob(partitions: Partitions, job: ChatFanout): PartFanout[] {
  const { chatHex, from, to, sets, events } = job
  if (partitions.tags.length === 1) return [{ tag: '', chatHex, from, to, sets, events }]
  const parts = new Map<string, PartFanout>()
  sets.forEach((joined, index) => {
    for (const [tag, users] of partitions.split(joined)) {
      let part = parts.get(tag)
      if (!part) {
        part = { tag, chatHex, from, to, sets: sets.map(() => ''), events }
        parts.set(tag, part)
      }
      part.sets[index] = users
    }
  })
  return [...parts.values()]
}
