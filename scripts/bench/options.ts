// The command line of the bench.
import { parseArgs } from 'node:util'
import { EXTRAS, LOADS } from './plan.ts'

export const HELP = `npm run bench -- [options]

Measures servers that this command starts itself, with rate limits off, beside a bare WebSocket relay without
stores and a lone durable write, in the same run. The stores are started too, unless DATABASE_URL, MONGODB_URL
and REDIS_URL are set (then their CPU time is not known). A message counts once its sender has the answer and
every recipient has the message.

What to run:
  --workload W1,W2,W3,W4  or "all"; by default these four
${[...LOADS, ...EXTRAS].map(({ name, title }) => `                          ${name.padEnd(6)} ${title}`).join('\n')}
  --chart <file.svg>      latency at rising rates of W1's pairs, until it breaks, as a chart
  --grow                  cost as work grows: stored messages, members of a group, nodes
  --compare <revision>    the workloads on this checkout and on that revision, in turns
  --soak <minutes>        half of W1's rate with a storm every minute, and what the server holds
  --history               what earlier runs on this machine found
  --markdown              the newest figures as the tables of docs/scaling.md; with --write, into that page

How:
  --seconds 15            measured seconds of each run
  --warmup 3              seconds before them
  --runs 1                how often; medians are reported
  --nodes 1               servers; a pair lies on two of them
  --mongo3                MongoDB with three members instead of one
  --mongo-cache 1         GB of MongoDB's cache, each member
  --receipts              recipients acknowledge what they stored, as phones do
  --connections 5000      of W4
  --hold 35               seconds that W4 holds them before they are weighed
  --slow-messages 20000   of slow
  --sizes 10000,1000000,10000000   stored messages, for --grow; "none" leaves them out
  --groups 2,32,256,1024           members of a group, for --grow; "none" likewise
  --node-counts 1,2,4              servers, for --grow; "none" likewise
  --json                  one JSON document on stdout instead of tables
  --strict                exit with 3 when a target is missed
  --help                  this text

Exit codes: 0 measured, 1 failed, 2 wrong use, 3 a target is missed (--strict), 130 interrupted.
Every run is noted in .data/bench/history.jsonl.
`

export class WrongUse extends Error {}

export type Options = {
  workloads: string[]
  mode: 'run' | 'chart' | 'grow' | 'compare' | 'soak' | 'history' | 'markdown' | 'help'
  chart: string
  revision: string
  soakMinutes: number
  seconds: number
  warmup: number
  runs: number
  nodes: number
  members: 1 | 3
  mongoCacheGb: number
  withReceipts: boolean
  connections: number
  holdSeconds: number
  slowMessages: number
  sizes: number[]
  groups: number[]
  nodeCounts: number[]
  write: boolean
  json: boolean
  strict: boolean
}

const text = (value: string) => ({ type: 'string', default: value }) as const
const flag = { type: 'boolean', default: false } as const

/** Throws WrongUse with a sentence. */
export function readOptions(args: string[]): Options {
  const { values } = parse(args)
  const whole = (name: keyof typeof values, least = 1): number => {
    const value = Number(values[name])
    if (!Number.isInteger(value) || value < least)
      throw new WrongUse(`--${name} wants a whole number from ${least} on`)
    return value
  }
  const wholes = (name: 'sizes' | 'groups' | 'node-counts'): number[] => {
    if (values[name] === 'none') return []
    const all = values[name].split(',').map(Number)
    if (all.some((value) => !Number.isInteger(value) || value < 1))
      throw new WrongUse(`--${name} wants whole numbers with commas between, or "none"`)
    return all.sort((a, b) => a - b)
  }
  const cache = Number(values['mongo-cache'])
  if (!(cache >= 0.25)) throw new WrongUse('--mongo-cache wants a number of GB, 0.25 at least')
  return {
    workloads: chosenWorkloads(values.workload),
    mode: chosenMode(values),
    chart: values.chart ?? '',
    revision: values.compare ?? '',
    soakMinutes: values.soak === undefined ? 0 : whole('soak'),
    seconds: whole('seconds'),
    warmup: whole('warmup'),
    runs: whole('runs'),
    nodes: whole('nodes'),
    members: values.mongo3 ? 3 : 1,
    mongoCacheGb: cache,
    withReceipts: values.receipts,
    connections: whole('connections', 100),
    holdSeconds: whole('hold', 0),
    slowMessages: whole('slow-messages', 100),
    sizes: wholes('sizes'),
    groups: wholes('groups'),
    nodeCounts: wholes('node-counts'),
    write: values.write,
    json: values.json,
    strict: values.strict,
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        workload: text('W1,W2,W3,W4'),
        chart: { type: 'string' },
        grow: flag,
        compare: { type: 'string' },
        soak: { type: 'string' },
        history: flag,
        markdown: flag,
        seconds: text('15'),
        warmup: text('3'),
        runs: text('1'),
        nodes: text('1'),
        mongo3: flag,
        'mongo-cache': text('1'),
        receipts: flag,
        connections: text('5000'),
        hold: text('35'),
        'slow-messages': text('20000'),
        sizes: text('10000,1000000,10000000'),
        groups: text('2,32,256,1024'),
        'node-counts': text('1,2,4'),
        write: flag,
        json: flag,
        strict: flag,
        help: flag,
      },
    })
  } catch (err) {
    throw new WrongUse((err as Error).message)
  }
}

function chosenMode(values: ReturnType<typeof parse>['values']): Options['mode'] {
  if (values.help) return 'help'
  const modes = (['history', 'markdown', 'grow', 'chart', 'compare', 'soak'] as const).filter(
    (mode) => values[mode] !== undefined && values[mode] !== false,
  )
  if (modes.length > 1) throw new WrongUse(`--${modes.join(' and --')} are runs of their own`)
  return modes[0] ?? 'run'
}

function chosenWorkloads(list: string): string[] {
  const known = [...LOADS, ...EXTRAS].map(({ name }) => name)
  if (list === 'all') return known
  const wanted = list.split(',').map((name) => name.trim().toLowerCase())
  const unknown = wanted.find((name) => !known.some((one) => one.toLowerCase() === name))
  if (unknown !== undefined) throw new WrongUse(`there is no workload ${unknown}; see --help`)
  return known.filter((name) => wanted.includes(name.toLowerCase()))
}
