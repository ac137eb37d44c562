// How long it takes until everything works again.
import type { Stage } from './faults/fault.ts'

const GIVE_UP_MS = 45_000

/**
 * Waits until a message sent through each node is acknowledged and has reached a live device on every one of them;
 * resolves with the history's time then, or null when that never comes.
 */
export async function healed({ population, world, history }: Stage): Promise<number | null> {
  const startedAt = history.now()
  const probes = await Promise.all(world.doors.map((_, door) => population.probe(door, GIVE_UP_MS)))
  let slowest = 0
  for (const ms of probes.flatMap(({ ackMs, deliveredMs }) => [ackMs, ...deliveredMs])) {
    if (ms === null) return null
    slowest = Math.max(slowest, ms)
  }
  return startedAt + slowest
}
