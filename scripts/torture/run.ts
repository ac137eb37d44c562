// One run: a world, people who talk in it, one fault after the other, and the verdict on all of it.
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { check, type Verdict } from './checker/check.ts'
import { readTruth } from './checker/truth.ts'
import { entryOf } from './entry.ts'
import { FAULTS } from './faults/all.ts'
import type { Fault, Stage } from './faults/fault.ts'
import { MajorityWitnesses } from './faults/majority.ts'
import { History } from './history/history.ts'
import type { Options } from './options.ts'
import { type Population, startPopulation } from './people/population.ts'
import { seeded } from './random.ts'
import type { Report, Say } from './report.ts'
import { schedule } from './schedule.ts'
import { strike, type Struck } from './strike.ts'
import { World } from './world/world.ts'

const SETTLE_MS = 60_000
const RESTART_MS = 500
const LONG_RUN_MINUTES = 10
/** So often everybody comes to rest between two faults, and the server's numbers are taken. */
const REST_EVERY_STEPS = 6
const REST_MS = 10_000
const OUTAGE_MS = { long: 60_000, short: 8_000 }
/** A fault that could not end and heal within the time that is left is passed over. */
const TAIL_MS = 3_000

/** Runs until the time is over or the signal comes, and judges what was seen. */
export async function torture(
  options: Options,
  folder: string,
  signal: AbortSignal,
  say: Say,
): Promise<Omit<Report, 'kept'>> {
  const { nodes, seed, minutes } = options
  const entry = await entryOf(options.build, folder)
  say('starting the stores and the nodes')
  const world = await World.start({ folder, nodes, mongoMembers: options.mongo, entry, log: say })
  const history = new History(join(folder, 'history.jsonl'))
  const troubles: string[] = []
  const crashes: string[] = []
  watchNodes(world, history, crashes)
  let population: Population | null = null
  try {
    say('people register and make their chats')
    // Before the load begins: a busy server may refuse a sign-in.
    const witnesses = await MajorityWitnesses.create(world)
    const doors = world.doors.map(({ port }) => `http://127.0.0.1:${port}`)
    const { people, rate } = options
    population = await startPopulation({ doors, folder, seed, history, people, ratePerSecond: rate })
    const outageMs = minutes >= LONG_RUN_MINUTES ? OUTAGE_MS.long : OUTAGE_MS.short
    const stage: Stage = { world, population, history, random: seeded(seed), outageMs }
    const startedAt = history.now()
    const struck = await breakThings(stage, faultsOf(options, witnesses), options, signal, troubles, say)
    const seconds = Math.round((history.now() - startedAt) / 1000)
    say('everything is mended; waiting until all have sent and received what they should')
    await world.mend()
    await population.settle(SETTLE_MS)
    const counts = { ...population.counts() }
    await population.stop()
    await history.close()
    const truth = await readTruth(world.stores.mongo.url, world.stores.env['DATABASE_URL'] ?? '')
    say(`checking ${history.operations.length.toLocaleString('en-US')} operations`)
    const verdicts = [
      ...check(history, truth),
      ...(witnesses.verdict === null ? [] : [witnesses.verdict]),
      crashVerdict(crashes, nodes),
    ]
    return {
      seed,
      nodes,
      mongo: options.mongo,
      seconds,
      ok: verdicts.every(({ ok }) => ok),
      counts,
      faults: { count: struck.length, kinds: new Set(struck.map(({ name }) => name)).size, struck },
      verdicts,
      troubles,
    }
  } finally {
    await world.stop()
  }
}

async function breakThings(
  stage: Stage,
  faults: Fault[],
  { minutes, seed }: Options,
  signal: AbortSignal,
  troubles: string[],
  say: Say,
): Promise<Struck[]> {
  const { history, population, outageMs } = stage
  const endAt = history.now() + minutes * 60_000
  const all: Struck[] = []
  let passedOver = 0
  let steps = 0
  const tell = (what: string): void => {
    const { acknowledged, pushed, connected, unsent } = population.counts()
    const counts = `acknowledged ${acknowledged}, pushed ${pushed}, connected ${connected}, unsent ${unsent}`
    say(`${clock(history.now())}  ${what.padEnd(40)} ${counts}`)
  }
  for (const step of schedule({ seed, faults, outageMs })) {
    const lasts = Math.max(...step.strokes.map(({ lastsMs }) => lastsMs))
    const leftMs = endAt - history.now() - TAIL_MS
    if (signal.aborted || leftMs < 0 || passedOver > faults.length) break
    passedOver = lasts > leftMs ? passedOver + 1 : 0
    if (passedOver > 0) continue
    await pause(step.quietMs, null, { signal }).catch(() => {})
    if (signal.aborted) break
    steps += 1
    if (steps % REST_EVERY_STEPS === 0) {
      await population.quiet(REST_MS)
      population.resume()
    }
    const name = step.strokes.map(({ fault }) => fault.name).join(' + ')
    tell(name)
    try {
      const struck = await strike(stage, step, signal)
      all.push(...struck)
      const [{ healedAt, until } = { healedAt: null, until: 0 }] = struck
      tell(healedAt === null ? '  not healed' : `  healed in ${((healedAt - until) / 1000).toFixed(1)} s`)
    } catch (err) {
      troubles.push(`${name}: ${(err as Error).message}`)
      tell(`  trouble: ${(err as Error).message}`)
      await stage.world.mend()
    }
  }
  return all
}

function faultsOf({ faults, mongo }: Options, witnesses: MajorityWitnesses): Fault[] {
  const known = [...FAULTS, witnesses.fault].filter(({ mongoMin = 1 }) => mongoMin <= mongo)
  return faults === null ? known : known.filter(({ name }) => faults.includes(name))
}

// Whatever runs a node starts it again when it ends; but one that ended by itself while it served is a finding.
function watchNodes(world: World, history: History, crashes: string[]): void {
  for (const node of world.nodes) {
    node.onCrash = (exit, hadServed) => {
      const text = `${node.name} ended by itself with ${exit}${hadServed ? '' : ' while it started'}`
      history.record({ kind: 'note', at: history.now(), text })
      if (hadServed) crashes.push(`${clock(history.now())} ${text}; see nodes/${node.name}.log`)
      setTimeout(() => node.spawn(), RESTART_MS)
    }
  }
}

function crashVerdict(crashes: string[], nodes: number): Verdict {
  return {
    invariant: 13,
    title: 'no node ends by itself',
    ok: crashes.length === 0,
    checked: nodes,
    counterexamples: crashes,
  }
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}
