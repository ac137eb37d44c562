// A replica set that loses its primary, a secondary, or its majority.
import { type Fault, INSTANT, MONGO_HEAL_SECONDS } from './fault.ts'

const base = { concerns: 'mongo', healSeconds: MONGO_HEAL_SECONDS } as const

export const mongoFaults: Fault[] = [
  {
    ...base,
    name: 'mongo-kill',
    title: 'kill -9 of the Mongo primary',
    lastsMs: INSTANT,
    begin: async ({ world }) => {
      const { mongo } = world.stores
      const primary = await mongo.primary()
      await primary.kill()
      // With successors the failover itself has to heal everything; the old primary comes back only after that.
      const restart = () => primary.restart()
      return mongo.members.length > 1 ? { after: restart } : { mend: restart }
    },
  },
  {
    ...base,
    name: 'mongo-freeze',
    title: 'SIGSTOP of the Mongo primary, until another one is elected and the old one wakes',
    lastsMs: [14_000, 16_000],
    begin: async ({ world }) => {
      const primary = await world.stores.mongo.primary()
      primary.freeze()
      return { mend: async () => primary.thaw() }
    },
  },
  {
    ...base,
    name: 'mongo-hiccup',
    title: 'SIGSTOP of the Mongo primary for a moment',
    lastsMs: [2_000, 6_000],
    begin: async ({ world }) => {
      const primary = await world.stores.mongo.primary()
      primary.freeze()
      return { mend: async () => primary.thaw() }
    },
  },
  {
    ...base,
    name: 'mongo-step-down',
    title: 'the Mongo primary hands over',
    mongoMin: 3,
    lastsMs: INSTANT,
    begin: async ({ world }) => {
      await world.stores.mongo.stepDown()
      return {}
    },
  },
  {
    ...base,
    name: 'mongo-secondary-kill',
    title: 'kill -9 of a Mongo secondary, and a start in its place',
    mongoMin: 3,
    lastsMs: [1_000, 5_000],
    begin: async ({ world, random }) => {
      const secondary = random.pick(await world.stores.mongo.secondaries())
      await secondary.kill()
      return { mend: () => secondary.restart() }
    },
  },
]
