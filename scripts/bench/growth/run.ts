// Cost as work grows: the same load on more stored messages, in larger groups, on more nodes.
import { MongoClient } from 'mongodb'
import type { LoadResult } from '../load/measure.ts'
import type { Quantiles } from '../load/tracker.ts'
import type { Options } from '../options.ts'
import { groupOf, W1 } from '../plan.ts'
import type { Progress } from '../progress.ts'
import { medianOf } from '../report/figures.ts'
import type { Runner } from '../runner.ts'
import { openStage, type Stage, type StageNeeds } from '../stage/stage.ts'
import { measurePages } from './pages.ts'
import { seedMessages, type SeedResult } from './seed.ts'

export type SizePoint = {
  /** Stored when the load began. */
  messages: number
  load: LoadResult
  newestPageMs: Quantiles
  deepPageMs: Quantiles
  seeded: SeedResult
  diskBytesPerMessage: number
  indexBytesPerMessage: number
}

export type Growth = {
  sizes: SizePoint[]
  groups: { members: number; load: LoadResult }[]
  nodes: { nodes: number; load: LoadResult }[]
}

type Needs = {
  options: Options
  stageNeeds: Omit<StageNeeds, 'people' | 'nodes'>
  runner: Runner
  progress: Progress
}

export async function runGrowth(needs: Needs): Promise<Growth> {
  const { options, progress } = needs
  const growth: Growth = { sizes: [], groups: [], nodes: [] }
  // From few to many, so that each size only adds to the one before; groups and nodes come while little is stored.
  const onStage = async <T>(nodes: number, people: number, use: (stage: Stage) => Promise<T>): Promise<T> => {
    const stage = await openStage({ ...needs.stageNeeds, nodes, people })
    try {
      return await use(stage)
    } finally {
      await stage.stop()
    }
  }
  for (const nodes of options.nodeCounts) {
    progress.say(`${nodes} ${nodes === 1 ? 'node' : 'nodes'}`)
    const load = await onStage(nodes, W1.people, (stage) => repeated(needs, stage, W1))
    growth.nodes.push({ nodes, load })
  }
  for (const members of options.groups) {
    progress.say(`a group of ${members}`)
    const workload = groupOf(members, `group of ${members}`)
    const load = await onStage(options.nodes, members, (stage) => repeated(needs, stage, workload))
    growth.groups.push({ members, load })
  }
  for (const size of options.sizes) {
    progress.say(`${size.toLocaleString('en-US')} stored messages`)
    const { MONGODB_URL } = needs.stageNeeds.stores.env
    if (size === options.sizes[0]) await startEmpty(MONGODB_URL, onStage)
    const seeded = await seedMessages(MONGODB_URL, size, progress)
    const { messages, ...bytes } = await weighCollection(MONGODB_URL)
    const point = await onStage(options.nodes, W1.people, async (stage) => {
      const pages = await measurePages(stage, progress)
      return { ...pages, load: await repeated(needs, stage, W1) }
    })
    growth.sizes.push({ messages, ...point, seeded, ...bytes })
  }
  return growth
}

async function repeated(
  { options, runner }: Needs,
  stage: Stage,
  workload: Parameters<Runner['parley']>[1],
): Promise<LoadResult> {
  const results: LoadResult[] = []
  for (let run = 0; run < options.runs; run += 1) results.push(await runner.parley(stage, workload))
  return medianOf(results)
}

/** A server makes the collections with their indexes; what groups and nodes have stored goes. */
async function startEmpty(
  mongoUrl: string,
  onStage: (nodes: number, people: number, use: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await onStage(1, 1, async () => {})
  const client = new MongoClient(mongoUrl)
  try {
    for (const name of ['messages', 'chats', 'members']) await client.db().collection(name).deleteMany({})
  } finally {
    await client.close()
  }
}

async function weighCollection(
  mongoUrl: string,
): Promise<Pick<SizePoint, 'messages' | 'diskBytesPerMessage' | 'indexBytesPerMessage'>> {
  const client = new MongoClient(mongoUrl)
  try {
    const stats = await client.db().command({ collStats: 'messages' })
    const messages = Number(stats['count'])
    return {
      messages,
      diskBytesPerMessage: Number(stats['storageSize']) / messages,
      indexBytesPerMessage: Number(stats['totalIndexSize']) / messages,
    }
  } finally {
    await client.close()
  }
}
