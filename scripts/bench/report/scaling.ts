// From the measured cost of one message to what so many users need. Everything that is assumed stands here, by name.
import type { Figures } from './figures.ts'

export const ASSUMED = {
  messagesPerUserAndDay: 50,
  /** Recipients' devices that a message is written to: mostly one, some groups. */
  deliveriesPerMessage: 3,
  peakToMean: 3,
  /** Of all users, connected at the peak. */
  connectedShare: 0.25,
  /** Of all users, connected within the seven days that Redis keeps their streams. */
  activeShare: 0.6,
  /** A core is full at this share of its time: beyond it latency rises. */
  coreShare: 0.5,
  connectionsPerProcess: 50_000,
  mongoMembers: 3,
  mongoCoresPerMember: 16,
  mongoTerabytesPerMember: 4,
  /** Indexes that grow entry by entry are looser than those that are built at once, as the measured ones are. */
  indexLooseness: 1.5,
  redisGigabytesPerPartition: 25,
  /** Each connected device renews its access token this often. */
  refreshSeconds: 900,
} as const

export const USERS = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

export type UnitCosts = {
  serverUs: number
  /** Of each delivery beyond the first. */
  deliveryUs: number
  mongoUs: number
  redisUs: number
  storedBytes: number
  redisBytesPerPerson: number
  postgresBytesPerPerson: number
  connectionBytes: number
  signInUs: number
}

export type Need = {
  users: number
  messagesPerDay: number
  peakPerSecond: number
  connections: number
  processes: number
  connectionGigabytes: number
  shards: number
  /** What asks for that many shards. */
  shardsFor: 'work' | 'disk'
  terabytesPerYear: number
  redisGigabytes: number
  redisPartitions: number
  postgresGigabytes: number
  refreshesPerSecond: number
}

/** Null where a run is missing that measures one of them. */
export function unitCosts(figures: Figures): UnitCosts | null {
  const own = (name: string) =>
    figures.loads?.find(({ workload, target }) => workload === name && target === 'parley')
  const [w1, w3, size] = [own('W1'), own('W3'), figures.growth?.sizes.at(-1)]
  const { connections, redisBytesPerPerson, postgresBytesPerPerson } = figures
  if (!w1 || !w3 || !size || !connections) return null
  const cpu = (load: typeof w1, name: string): number => load.cpuUsPerMessage[name] ?? 0
  const serverUs = cpu(w1, 'server')
  const recipients = w3.counts.received / Math.max(1, w3.counts.completed)
  return {
    serverUs,
    deliveryUs: cpu(w3, 'server') / Math.max(1, recipients),
    mongoUs: cpu(w1, 'mongodb'),
    redisUs: cpu(w1, 'redis'),
    storedBytes: size.diskBytesPerMessage + size.indexBytesPerMessage * ASSUMED.indexLooseness,
    redisBytesPerPerson: redisBytesPerPerson ?? 0,
    postgresBytesPerPerson: postgresBytesPerPerson ?? 0,
    connectionBytes: Math.max(connections.rssBytesEach, connections.heapBytesEach),
    signInUs: connections.signInCpuUs ?? 0,
  }
}

export function needsOf(users: number, costs: UnitCosts): Need {
  const messagesPerDay = users * ASSUMED.messagesPerUserAndDay
  const peakPerSecond = (messagesPerDay / 86_400) * ASSUMED.peakToMean
  const connections = users * ASSUMED.connectedShare
  const coresFor = (microseconds: number): number => (peakPerSecond * microseconds) / 1e6 / ASSUMED.coreShare
  const serverUs = costs.serverUs + (ASSUMED.deliveriesPerMessage - 1) * costs.deliveryUs
  // One process uses one core; and never fewer than two, so that one may go.
  const processes = atLeast(2, coresFor(serverUs), connections / ASSUMED.connectionsPerProcess)
  const bytesPerYear = messagesPerDay * 365 * costs.storedBytes
  const shardsForWork = coresFor(costs.mongoUs) / ASSUMED.mongoCoresPerMember
  const shardsForDisk = bytesPerYear / (ASSUMED.mongoTerabytesPerMember * 1e12)
  const redisGigabytes = (users * ASSUMED.activeShare * costs.redisBytesPerPerson) / 1e9
  return {
    users,
    messagesPerDay,
    peakPerSecond,
    connections,
    processes,
    connectionGigabytes: (connections * costs.connectionBytes) / 1e9,
    shards: atLeast(1, shardsForWork, shardsForDisk),
    shardsFor: shardsForDisk > shardsForWork ? 'disk' : 'work',
    terabytesPerYear: (bytesPerYear * ASSUMED.mongoMembers) / 1e12,
    redisGigabytes,
    redisPartitions: atLeast(1, coresFor(costs.redisUs), redisGigabytes / ASSUMED.redisGigabytesPerPartition),
    postgresGigabytes: (users * costs.postgresBytesPerPerson) / 1e9,
    refreshesPerSecond: connections / ASSUMED.refreshSeconds,
  }
}

const atLeast = (least: number, ...needed: number[]): number => Math.max(least, ...needed.map(Math.ceil))
