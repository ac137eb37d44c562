// What a fault is: a way to break the world, and the way to mend it.
import type { History } from '../history/history.ts'
import type { Concern } from '../history/operation.ts'
import type { Population } from '../people/population.ts'
import type { Random } from '../random.ts'
import type { World } from '../world/world.ts'

/** What a fault may lay hands on. */
export type Stage = {
  world: World
  population: Population
  history: History
  random: Random
  /** How long a store stays away in an outage: a minute, less in a short run. */
  outageMs: number
}

/** What is left to do once a fault has begun. */
export type Damage = {
  /** Ends the fault. Absent where it is over as soon as it has begun: a flush, a cut. */
  mend?: () => Promise<void>
  /** Cleans up behind the healing, and is no part of it: the old primary comes back. */
  after?: () => Promise<void>
}

export type Fault = {
  name: string
  /** What happens, for people. */
  title: string
  concerns: Concern
  /** Everything has to be as before this long after the fault's end. */
  healSeconds: number
  lastsMs: [least: number, most: number]
  /** Members of the replica set that it takes. */
  mongoMin?: number
  isOutage?: boolean
  begin(stage: Stage): Promise<Damage>
}

export const HEAL_SECONDS = 10
export const MONGO_HEAL_SECONDS = 15

/** Over as soon as it has begun. */
export const INSTANT: [number, number] = [0, 0]
