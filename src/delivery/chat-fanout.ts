/** What is told of one chat: events under consecutive revisions, and who hears each. */

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
  sets: string[]
  events: FanoutEvent[]
}

/**
 * Jobs of one chat in their order, those without a hole between them as one. Between two that are not consecutive lie
 * another node's revisions: telling both at once would pass over them.
 */
export function mergeJobs(jobs: ChatFanout[]): ChatFanout[] {
  const merged: ChatFanout[] = []
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
