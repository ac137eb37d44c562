// What Redis holds for somebody who was written to a lot: his stream is as long as it gets.
import { Redis } from 'ioredis'
import type { Workload } from '../plan.ts'
import type { Stage } from '../stage/stage.ts'

/** All of Redis' data, over the people of the loads; the many who were only signed up have nothing there. */
export async function readRedisBytes(stage: Stage, loads: Workload[]): Promise<number> {
  const people = Math.max(1, ...loads.map((load) => load.people))
  const redis = new Redis(stage.env.REDIS_URL)
  try {
    const dataset = /used_memory_dataset:(\d+)/.exec(await redis.info('memory'))?.[1]
    return Number(dataset ?? 0) / people
  } finally {
    redis.disconnect()
  }
}
