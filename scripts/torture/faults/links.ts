// Links that break: between clients and a node, and between a node and a store.
import type { Concern } from '../history/operation.ts'
import type { Link } from '../world/link.ts'
import type { Direction } from '../world/pair.ts'
import type { StoreName } from '../world/world.ts'
import { type Damage, type Fault, HEAL_SECONDS, INSTANT, MONGO_HEAL_SECONDS, type Stage } from './fault.ts'

type Choose = (stage: Stage) => Link[]

const aDoor: Choose = ({ world, random }) => [random.pick(world.doors)]
const linksOf =
  (store: StoreName): Choose =>
  ({ world, random }) =>
    random.pick(world.stations).links[store]

const stalled =
  (choose: Choose, directions: Direction[]) =>
  async (stage: Stage): Promise<Damage> => {
    const links = choose(stage)
    for (const link of links) link.set({ kind: 'stall', directions })
    return { mend: () => healAll(links) }
  }

const cut =
  (choose: Choose) =>
  async (stage: Stage): Promise<Damage> => {
    for (const link of choose(stage)) link.cutMidFrame(stage.random)
    return {}
  }

const refused =
  (choose: Choose) =>
  async (stage: Stage): Promise<Damage> => {
    const links = choose(stage)
    for (const link of links) {
      link.refuse()
      link.cut()
    }
    return { mend: () => healAll(links) }
  }

const slowed =
  (choose: Choose) =>
  async (stage: Stage): Promise<Damage> => {
    const links = choose(stage)
    const weather = stage.random.pick([
      { kind: 'delay', ms: stage.random.between(100, 400) },
      { kind: 'trickle', bytesPerSecond: stage.random.between(4_000, 20_000) },
    ] as const)
    for (const link of links) link.set(weather)
    return { mend: () => healAll(links) }
  }

async function healAll(links: Link[]): Promise<void> {
  for (const link of links) await link.heal()
}

const STALL_MS: [number, number] = [3_000, 9_000]

const doorFaults: Fault[] = [
  ['door-cut', 'clients of a node are cut off in mid-frame', INSTANT, cut(aDoor)],
  ['door-stall', 'nothing moves between clients and a node', STALL_MS, stalled(aDoor, ['up', 'down'])],
  ['door-loss-up', 'what clients send to a node does not arrive', STALL_MS, stalled(aDoor, ['up'])],
  ['door-loss-down', 'what a node sends to clients does not arrive', STALL_MS, stalled(aDoor, ['down'])],
  ['door-refuse', 'a node cannot be reached by clients', [2_000, 5_000], refused(aDoor)],
  ['door-slow', 'the link between clients and a node is slow', [3_000, 6_000], slowed(aDoor)],
].map(([name, title, lastsMs, begin]) => ({
  name,
  title,
  lastsMs,
  begin,
  concerns: 'link',
  healSeconds: HEAL_SECONDS,
})) as Fault[]

function storeFaults(store: StoreName, concerns: Concern, healSeconds: number): Fault[] {
  const links = linksOf(store)
  const base = { concerns, healSeconds }
  return [
    {
      ...base,
      name: `${store}-link-cut`,
      title: `a node's connections to ${store} are cut in mid-frame`,
      lastsMs: INSTANT,
      begin: cut(links),
    },
    {
      ...base,
      name: `${store}-link-stall`,
      title: `nothing moves between a node and ${store}`,
      lastsMs: STALL_MS,
      begin: stalled(links, ['up', 'down']),
    },
    {
      ...base,
      name: `${store}-link-loss`,
      title: `one direction is lost between a node and ${store}`,
      lastsMs: STALL_MS,
      begin: (stage) => stalled(links, [stage.random.pick(['up', 'down'] as const)])(stage),
    },
    {
      ...base,
      name: `${store}-link-away`,
      title: `a node cannot reach ${store}`,
      lastsMs: STALL_MS,
      begin: refused(links),
    },
  ]
}

export const linkFaults: Fault[] = [
  ...doorFaults,
  ...storeFaults('redis', 'redis', HEAL_SECONDS),
  ...storeFaults('mongo', 'mongo', MONGO_HEAL_SECONDS),
  ...storeFaults('postgres', 'postgres', HEAL_SECONDS),
]
