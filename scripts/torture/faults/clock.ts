// Nodes whose wall clock is wrong.
import { type Fault, HEAL_SECONDS, type Stage } from './fault.ts'

const TEN_MINUTES_MS = 600_000

const jump = (name: string, title: string, offsetMs: number): Fault => ({
  name,
  title,
  concerns: 'clock',
  healSeconds: HEAL_SECONDS,
  lastsMs: [4_000, 8_000],
  begin: async ({ world, random }: Stage) => {
    const node = random.pick(world.nodes)
    node.setClock(offsetMs)
    return { mend: async () => node.setClock(0) }
  },
})

export const clockFaults: Fault[] = [
  jump('clock-ahead', "a node's clock jumps ten minutes ahead, and back", TEN_MINUTES_MS),
  jump('clock-behind', "a node's clock falls ten minutes behind, and comes back", -TEN_MINUTES_MS),
  {
    name: 'clock-death',
    title: 'a node whose clock is ten minutes off is killed',
    // Of nodes, and not of clocks: together with another fault of a node two would restart the same one.
    concerns: 'node',
    healSeconds: HEAL_SECONDS,
    lastsMs: [200, 1_000],
    begin: async ({ world, random }) => {
      const node = random.pick(world.nodes)
      node.setClock(random.pick([TEN_MINUTES_MS, -TEN_MINUTES_MS]))
      await new Promise((resolve) => setTimeout(resolve, random.between(1_000, 3_000)))
      await node.kill()
      return { mend: async () => node.spawn() }
    },
  },
]
