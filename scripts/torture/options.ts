// The command line of `npm run torture`.
import { parseArgs } from 'node:util'
import { BROKEN_BUILDS } from './broken/builds.ts'
import { FAULTS } from './faults/all.ts'

export type Options = {
  minutes: number
  seed: number
  /** Names of faults; null for all. */
  faults: string[] | null
  nodes: number
  mongo: 1 | 3
  people: number
  /** Messages that the people try to send in a second. */
  rate: number
  kills: number
  build: string | null
  json: boolean
  keep: boolean
}

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const NO_MAJORITY = 'mongo-no-majority'

export const HELP = `npm run torture -- [options]

Starts PostgreSQL, MongoDB, Redis and server nodes of its own with a proxy on every link between them, lets people
talk through conforming clients, breaks one thing after the other, and says for each invariant of the delivery
contract whether it held. A run can be repeated by its seed: the same faults come in the same order.

  --minutes 3          how long faults come; starting and settling come on top
  --seed 7             what all chance is drawn from (default: drawn, and printed)
  --faults all         or names, separated by commas: each comes again and again
  --nodes 2            server nodes
  --mongo 3            members of the replica set, 1 or 3
  --people 24          people who talk
  --rate 180           messages that they try to send in a second, all together
  --kills 400          instead of all that: kill -9 of a node at so many random instants around a send
  --build <name>       nodes of a build that is broken on purpose, to see that it is caught:
${BROKEN_BUILDS.map(({ name }) => `                         ${name}`).join('\n')}
  --json               the report as one JSON document on stdout; progress goes to stderr as always
  --keep               keep the folder of the run: stores, logs of the nodes, history
  --help               this text

Exit codes: 0 every invariant held, 1 one did not, 2 wrong use, 3 the harness itself had trouble.
Ctrl-C ends the run early, with the verdict so far.

Faults:
${[
  ...FAULTS.map(({ name, title }) => [name, title] as const),
  [NO_MAJORITY, 'SIGSTOP of both Mongo secondaries'] as const,
]
  .map(([name, title]) => `  ${name.padEnd(21)}${title}`)
  .join('\n')}
`

/** Reads the arguments; null where only help is wanted. */
export function readOptions(args: string[]): Options | null {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  let values
  try {
    values = parseArgs({
      args,
      options: {
        minutes: text,
        seed: text,
        faults: text,
        nodes: text,
        mongo: text,
        people: text,
        rate: text,
        kills: text,
        build: text,
        json: flag,
        keep: flag,
        help: flag,
      },
    }).values
  } catch (err) {
    throw new UsageError((err as Error).message, { cause: err })
  }
  if (values.help) return null
  const number = (
    name: 'seed' | 'nodes' | 'people' | 'rate' | 'kills',
    fallback: number,
    least: number,
  ): number => {
    const given = values[name]
    const value = given === undefined ? fallback : Number(given)
    if (Number.isSafeInteger(value) && value >= least) return value
    throw new UsageError(`--${name} wants a whole number of at least ${least}`)
  }
  const build = values.build ?? null
  if (build !== null && !BROKEN_BUILDS.some(({ name }) => name === build)) {
    throw new UsageError(`there is no build ${build}; see --help`)
  }
  const minutes = Number(values.minutes ?? 3)
  if (!(minutes > 0)) throw new UsageError('--minutes wants a number above 0')
  const mongo = Number(values.mongo ?? 3)
  if (mongo !== 1 && mongo !== 3) throw new UsageError('--mongo wants 1 or 3')
  return {
    minutes,
    seed: number('seed', Math.floor(Math.random() * 1_000_000), 0),
    faults: chosenFaults(values.faults ?? 'all', mongo),
    nodes: number('nodes', 2, 1),
    mongo,
    people: number('people', 24, 4),
    rate: number('rate', 180, 1),
    kills: number('kills', 0, 0),
    build,
    json: values.json,
    keep: values.keep,
  }
}

function chosenFaults(text: string, mongo: number): string[] | null {
  if (text === 'all') return null
  const names = text.split(',').map((name) => name.trim())
  const known = [...FAULTS, { name: NO_MAJORITY, mongoMin: 3 }]
  for (const name of names) {
    const fault = known.find((each) => each.name === name)
    if (fault === undefined) throw new UsageError(`there is no fault ${name}; see --help`)
    if ((fault.mongoMin ?? 1) > mongo) throw new UsageError(`${name} takes --mongo ${fault.mongoMin}`)
  }
  return names
}
