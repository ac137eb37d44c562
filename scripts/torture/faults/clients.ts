// Clients that all come back at once, and clients that do not read.
import { setTimeout as pause } from 'node:timers/promises'
import { type Fault, HEAL_SECONDS, INSTANT } from './fault.ts'

const base = { concerns: 'client', healSeconds: HEAL_SECONDS } as const

export const clientFaults: Fault[] = [
  {
    ...base,
    name: 'storm',
    title: 'every client is cut off at once and comes back',
    lastsMs: INSTANT,
    begin: async ({ world }) => {
      for (const door of world.doors) door.cut()
      return {}
    },
  },
  {
    ...base,
    name: 'slow-readers',
    title: 'some clients stop reading for a while',
    lastsMs: INSTANT,
    begin: async ({ population, random }) => {
      const ms = random.between(4_000, 8_000)
      population.slow(random.between(2, 6), ms)
      return { mend: () => pause(ms) }
    },
  },
]
