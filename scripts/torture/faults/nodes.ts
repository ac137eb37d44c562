// Server nodes that die, stand still, or are restarted.
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerNode } from '../world/node.ts'
import { type Fault, HEAL_SECONDS } from './fault.ts'

const base = { concerns: 'node', healSeconds: HEAL_SECONDS } as const

/** Longer than any lease, timeout and heartbeat of a node, so that the others take over before it wakes. */
const FREEZE_MS: [number, number] = [11_000, 13_000]

export const nodeFaults: Fault[] = [
  {
    ...base,
    name: 'node-kill',
    title: 'kill -9 of a node, and a start in its place',
    lastsMs: [200, 2_000],
    begin: async ({ world, random }) => {
      const node = random.pick(world.nodes)
      await node.kill()
      return { mend: async () => node.spawn() }
    },
  },
  {
    ...base,
    name: 'nodes-kill-all',
    title: 'kill -9 of all nodes at once',
    lastsMs: [200, 1_500],
    begin: async ({ world }) => {
      await Promise.all(world.nodes.map((node) => node.kill()))
      return { mend: async () => world.nodes.forEach((node) => node.spawn()) }
    },
  },
  {
    ...base,
    name: 'node-freeze',
    title: 'SIGSTOP of a node for longer than its leases',
    lastsMs: FREEZE_MS,
    begin: async ({ world, random }) => standStill(random.pick(world.nodes)),
  },
  {
    ...base,
    name: 'node-hiccup',
    title: 'SIGSTOP of a node for a moment',
    lastsMs: [500, 3_000],
    begin: async ({ world, random }) => standStill(random.pick(world.nodes)),
  },
  {
    ...base,
    name: 'rolling-restart',
    title: 'each node in turn is asked to stop and started again',
    lastsMs: [0, 0],
    begin: async ({ world }) => {
      const last = world.nodes.at(-1)
      for (const node of world.nodes.slice(0, -1)) {
        await node.term()
        node.spawn()
        await node.ready()
        // A balancer waits a moment before it turns to the next one.
        await pause(500)
      }
      await last?.term()
      return { mend: async () => last?.spawn() }
    },
  },
]

function standStill(node: ServerNode): { mend: () => Promise<void> } {
  node.freeze()
  return { mend: async () => node.thaw() }
}
