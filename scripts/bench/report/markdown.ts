// The newest figures as the measured part of docs/scaling.md: what a message costs here, and what so many users need.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LoadResult } from '../load/measure.ts'
import { grouped } from '../progress.ts'
import { REPO } from '../stage/processes.ts'
import type { Report } from './figures.ts'
import { newestOfEach } from './history.ts'
import { ASSUMED, needsOf, unitCosts, USERS, type UnitCosts } from './scaling.ts'
import { latencies, optional, round } from './table.ts'
import { findTargets } from './wanted.ts'

const PAGE = join(REPO, 'docs/scaling.md')
const MARKS = /(<!-- measured -->\n)[\s\S]*?(<!-- \/measured -->)/

/** Puts the newest figures into the page. */
export async function writeScalingPage(history: Report[]): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  if (!MARKS.test(page)) throw new Error('docs/scaling.md: the marks around the measured part are gone')
  const text = markdown(history)
  await writeFile(
    PAGE,
    page.replace(MARKS, (_, head: string, tail: string) => `${head}${text}\n${tail}`),
  )
}

export function markdown(history: Report[]): string {
  const newest = history.at(-1)
  if (newest === undefined) throw new Error('no run has been noted yet: run the bench first')
  const { figures, from } = newestOfEach(history)
  const costs = unitCosts(figures)
  const commits = [...new Set(from.map(({ commit }) => commit))].join(', ')
  const lengths = [...new Set(from.map(({ how }) => `${how.seconds} s × ${how.runs}`))].join(', ')
  const parts = [
    `Measured on ${newest.machine}; generator, servers and stores share them. Revision ${commits}; each run ${lengths}.`,
    table(
      ['target', 'found', 'wanted', ''],
      findTargets(figures).map(({ name, shown, wanted, isMet }) => [
        name,
        shown,
        wanted,
        isMet ? 'met' : 'missed',
      ]),
    ),
    loadRows(figures.loads ?? []),
    ...growthRows(figures.growth),
  ]
  if (costs === null)
    parts.push('The arithmetic needs a run of W1, W3 and W4, and one of `--grow` with sizes.')
  else parts.push(costRows(costs), arithmetic(costs))
  return parts.filter((part) => part !== '').join('\n\n')
}

function loadRows(loads: LoadResult[]): string {
  return table(
    [
      '',
      '',
      'msgs/s',
      'deliveries/s',
      'received after, p50/p95/p99 ms',
      'server µs',
      'MongoDB µs',
      'Redis µs',
      'trips MongoDB / Redis',
      'bytes in / out',
    ],
    loads.map((load) => {
      const isOwn = load.target === 'parley'
      const { toServer, fromServer } = load.counts.bytesPerMessage
      return [
        load.workload,
        load.target,
        round(load.messagesPerSecond),
        round(load.deliveriesPerSecond),
        latencies(load.counts.receiveMs),
        ...costOf(load),
        isOwn
          ? `${optional(load.commandsPerMessage['mongodb'], 3)} / ${optional(load.commandsPerMessage['redis'], 3)}`
          : '',
        isOwn ? `${toServer.toFixed(0)} / ${fromServer.toFixed(0)}` : '',
      ]
    }),
  )
}

const shared = (load: LoadResult): string[] => [
  round(load.messagesPerSecond),
  latencies(load.counts.receiveMs),
  ...costOf(load),
]

function growthRows(growth: Report['figures']['growth']): string[] {
  if (growth === undefined) return []
  const head = ['msgs/s', 'received after, p50/p95/p99 ms', 'server µs', 'MongoDB µs', 'Redis µs']
  return [
    table(
      ['messages stored', ...head, 'newest / deep page p50 ms', 'bytes each: data + indexes'],
      growth.sizes.map((point) => [
        grouped(point.messages),
        ...shared(point.load),
        `${point.newestPageMs.p50.toFixed(1)} / ${point.deepPageMs.p50.toFixed(1)}`,
        `${point.diskBytesPerMessage.toFixed(0)} + ${point.indexBytesPerMessage.toFixed(0)}`,
      ]),
    ),
    table(
      ['members', ...head, 'deliveries/s'],
      growth.groups.map(({ members, load }) => [
        grouped(members),
        ...shared(load),
        round(load.deliveriesPerSecond),
      ]),
    ),
    table(
      ['nodes', ...head],
      growth.nodes.map(({ nodes, load }) => [String(nodes), ...shared(load)]),
    ),
  ]
}

const costOf = (load: LoadResult): string[] =>
  ['server', 'mongodb', 'redis'].map((name) => optional(load.cpuUsPerMessage[name], 0))

const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`

function costRows(costs: UnitCosts): string {
  return table(
    ['what', 'costs'],
    [
      [
        'a message to one recipient',
        `${costs.serverUs.toFixed(0)} µs of the server, ${costs.mongoUs.toFixed(0)} µs of MongoDB, ${costs.redisUs.toFixed(0)} µs of Redis`,
      ],
      ['each further delivery', `${costs.deliveryUs.toFixed(1)} µs of the server`],
      ['a stored message, its indexes grown', `${costs.storedBytes.toFixed(0)} bytes on each member`],
      ['an idle connection', `${kib(costs.connectionBytes)} of the server`],
      ['a sign-in on the socket', `${costs.signInUs.toFixed(0)} µs of the server`],
      ['somebody written to a lot', `${kib(costs.redisBytesPerPerson)} of Redis`],
      ['an account with a device and a session', `${kib(costs.postgresBytesPerPerson)} of PostgreSQL`],
    ],
  )
}

function arithmetic(costs: UnitCosts): string {
  const a = ASSUMED
  const said =
    `${a.messagesPerUserAndDay} messages a user and day, ${a.deliveriesPerMessage} deliveries each, a peak of ` +
    `${a.peakToMean} times the mean; ${a.connectedShare * 100} % connected at the peak and ${a.activeShare * 100} % ` +
    `within a week; a core is full at ${a.coreShare * 100} %, a process at ${grouped(a.connectionsPerProcess)} ` +
    `connections; a member of MongoDB has ${a.mongoCoresPerMember} cores and ${a.mongoTerabytesPerMember} TB and keeps ` +
    `a year, a partition of Redis has ${a.redisGigabytesPerPartition} GB:`
  const rows = USERS.map((users) => needsOf(users, costs)).map((need) => [
    grouped(need.users),
    short(need.messagesPerDay),
    short(need.peakPerSecond),
    short(need.connections),
    `${grouped(need.processes)} (${short(need.connectionGigabytes)} GB)`,
    `${grouped(need.shards)} (${need.shardsFor})`,
    `${short(need.terabytesPerYear)} TB`,
    `${short(need.redisGigabytes)} GB in ${grouped(need.redisPartitions)}`,
    `${short(need.postgresGigabytes)} GB`,
    short(need.refreshesPerSecond),
  ])
  const head = [
    'users',
    'messages a day',
    'at the peak, /s',
    'connections',
    'server processes',
    'MongoDB shards of three',
    'a year on all members',
    'Redis',
    'PostgreSQL',
    'token refreshes, /s',
  ]
  return `${said}\n\n${table(head, rows)}`
}

/** Two digits and a word for the thousands: nobody should read more into such figures. */
function short(value: number): string {
  if (value < 1000) return value < 10 ? value.toFixed(1) : value.toFixed(0)
  const names = ['', ' thousand', ' million', ' billion', ' trillion']
  const power = Math.min(names.length - 1, Math.floor(Math.log10(value) / 3))
  return `${Number((value / 1000 ** power).toPrecision(2))}${names[power]}`
}

function table(head: string[], rows: string[][]): string {
  if (rows.length === 0) return ''
  return [head, head.map(() => '-'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
