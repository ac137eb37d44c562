// A replica set of several members on this machine, for whatever a set of one cannot show: a primary that dies, a
// successor, a majority that is lost.
import { setTimeout as pause } from 'node:timers/promises'
import type { Db } from 'mongodb'
import { Member } from './member.ts'
import { askMongod, mongoUrl, type MongoOptions, settleSet, startMongod } from './mongod.ts'
import { StoreError } from './store-error.ts'

const electionMs = 60_000

export type MongoSetOptions = Omit<MongoOptions, 'port'> & {
  members: number
  /** How long the others do without a primary before they elect one; as MongoDB has it by default. */
  electionTimeoutMs?: number
}

export type MongoSet = {
  members: Member[]
  /** Names all members, so that any of them may be away when a client starts. */
  url: string
  version: string
  /** The member that takes writes, waited for while there is none. */
  primary(): Promise<Member>
  secondaries(): Promise<Member[]>
  /** Has the primary hand over, as an administrator would. */
  stepDown(): Promise<void>
  stop(): Promise<void>
}

/** Starts the members side by side and waits until one of them is the primary and the others follow it. */
export async function startMongoSet(options: MongoSetOptions): Promise<MongoSet> {
  const { cacheGb = 0.25, mongod } = options
  const start = (number: number, port?: number) =>
    startMongod(
      { ...options, cacheGb, ...(port === undefined ? {} : { port }) },
      { name: `mongodb-${number}`, folder: `mongo-${mongod.major}-${number}` },
      async () => true,
    )
  const results = await Promise.allSettled(
    Array.from({ length: options.members }, async (_, index) => {
      const running = await start(index + 1)
      return new Member(running, (port) => start(index + 1, port))
    }),
  )
  const members = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.stop()))
  }
  try {
    for (const result of results) if (result.status === 'rejected') throw result.reason
    await settle(members, options.electionTimeoutMs ?? 10_000)
  } catch (err) {
    await stop()
    throw err
  }
  const primary = () => findPrimary(members)
  return {
    members,
    url: mongoUrl(members.map(({ host }) => host)),
    version: mongod.version,
    primary,
    secondaries: async () => {
      const first = await primary()
      return members.filter((member) => member !== first)
    },
    stepDown: async () => {
      const { host } = await primary()
      await askMongod(host, (admin) => admin.command({ replSetStepDown: 20, secondaryCatchUpPeriodSecs: 5 }))
    },
    stop,
  }
}

async function settle(members: Member[], electionTimeoutMillis: number): Promise<void> {
  const hosts = members.map(({ host }) => host)
  await askMongod(hosts[0] ?? '', (admin) => settleSet(admin, hosts, { electionTimeoutMillis }))
  const first = await findPrimary(members, elect)
  const deadline = Date.now() + electionMs
  // A member that still copies the data would leave a set of three without a majority at the first kill.
  while (!(await askMongod(first.host, areAllInStep))) {
    if (Date.now() > deadline) throw new StoreError('The members of mongodb do not follow', 'See their logs.')
    await pause(100)
  }
}

/** Nobody has to wait for an election's timeout when everyone has just started. One that is behind is refused. */
async function elect(members: Member[]): Promise<void> {
  for (const { host } of members) {
    const isElected = await askMongod(host, (admin) => admin.command({ replSetStepUp: 1 })).then(
      () => true,
      () => false,
    )
    if (isElected) return
  }
}

async function areAllInStep(admin: Db): Promise<boolean> {
  const { members } = await admin.command({ replSetGetStatus: 1 })
  return (members as { stateStr: string }[]).every(({ stateStr }) => /^(PRIMARY|SECONDARY)$/.test(stateStr))
}

async function findPrimary(
  members: Member[],
  whileThereIsNone: (members: Member[]) => Promise<void> = async () => {},
): Promise<Member> {
  const deadline = Date.now() + electionMs
  while (Date.now() < deadline) {
    const running = members.filter((member) => !member.hasExited())
    const found = await Promise.all(
      running.map(async (member) => ({ member, election: await electionOf(member) })),
    )
    // Just thawed, an old primary still believes in itself; who was elected last is the one.
    const [first] = found
      .filter(({ election }) => election !== '')
      .sort((a, b) => b.election.localeCompare(a.election))
    if (first) return first.member
    await whileThereIsNone(members)
    await pause(100)
  }
  throw new StoreError('mongodb has elected no primary', 'See the logs of its members.')
}

/** Names the election that made this member the primary; empty where it is none. */
async function electionOf({ host }: Member): Promise<string> {
  const hello = await askMongod(host, (admin) => admin.command({ hello: 1 })).catch(() => null)
  return hello?.isWritablePrimary === true ? String(hello.electionId) : ''
}
