// One mongod of a replica set of our own, and the configuration that its set is given.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient, MongoServerError, type Db } from 'mongodb'
import { choosePort, rememberPort } from './chosen-port.ts'
import type { Mongod } from './mongo-binary.ts'
import type { RunningStore } from './redis.ts'
import { endLeftover, lostPort, type Log, supervise, waitUntilReady } from './supervise.ts'

export const setName = 'parley'
const notYetInitialized = 94
const invalidReplicaSetConfig = 93

export type MongoOptions = {
  dataDir: string
  mongod: Mongod
  port?: number
  cacheGb?: number
  /** More arguments for mongod. */
  args?: string[]
  log?: Log
}

/** Where one mongod runs: its name in the data folder's marks and logs, and the folder of its data. */
export type MongodPlace = { name: string; folder: string }

/** Starts a mongod on loopback and waits until it answers and `isReady` says that it will do. */
export async function startMongod(
  options: MongoOptions,
  { name, folder }: MongodPlace,
  isReady: (admin: Db, host: string) => Promise<boolean>,
): Promise<RunningStore> {
  const { dataDir, mongod, cacheGb = 0.5, args = [], log = () => {} } = options
  const dir = join(dataDir, folder)
  await mkdir(dir, { recursive: true })
  await endLeftover(dataDir, name, 'TERM', log)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await choosePort(dataDir, name))
    const host = `127.0.0.1:${port}`
    const store = await supervise({
      name,
      dataDir,
      command: mongod.path,
      args: [...fixedArguments(dir, port, cacheGb), ...args],
      stopSignal: 'TERM',
      graceSeconds: 3,
      log,
    })
    try {
      await waitUntilReady(store, 60_000, () =>
        askMongod(host, async (admin) => {
          // The pid proves that it is ours that answers, and not one that was faster to take the port.
          const { pid } = await admin.command({ serverStatus: 1, repl: 0, metrics: 0 })
          return Number(pid) === store.pid && (await isReady(admin, host))
        }),
      )
    } catch (err) {
      if (options.port === undefined && attempt < 5 && (await lostPort(store))) continue
      throw err
    }
    await rememberPort(dataDir, name, port)
    return { ...store, port, url: mongoUrl([host]), version: mongod.version }
  }
}

/** The URL of a set by its members' `host:port`. */
export function mongoUrl(hosts: string[]): string {
  return `mongodb://${hosts.join(',')}/parley?replicaSet=${setName}`
}

/** Asks this very mongod, whatever its set thinks of it. */
export async function askMongod<T>(host: string, ask: (admin: Db) => Promise<T>): Promise<T> {
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1000,
    connectTimeoutMS: 1000,
    socketTimeoutMS: 2000,
  })
  try {
    return await ask(client.db('admin'))
  } finally {
    await client.close()
  }
}

/** Makes these hosts the members of the set, where they are not already. */
export async function settleSet(
  admin: Db,
  hosts: string[],
  settings: { electionTimeoutMillis?: number } = {},
): Promise<void> {
  const status = await admin.command({ replSetGetStatus: 1 }).catch((err: unknown) => err)
  const code = status instanceof MongoServerError ? status.code : undefined
  if (code === notYetInitialized) {
    const members = hosts.map((host, _id) => ({ _id, host }))
    await admin.command({ replSetInitiate: { _id: setName, members, settings } })
    return
  }
  const { config } = await admin.command({ replSetGetConfig: 1 })
  const known = (config.members as { host: string }[]).map(({ host }) => host)
  if (known.join() === hosts.join() && code !== invalidReplicaSetConfig) return
  // Started on other ports than before, the members do not find themselves in their own configuration. Force is
  // safe: all of them are ours and started together, so nobody else can have another opinion.
  const members = hosts.map((host, _id) => ({ ...config.members[_id], _id, host }))
  await admin.command({ replSetReconfig: { ...config, version: config.version + 1, members }, force: true })
}

function fixedArguments(dir: string, port: number, cacheGb: number): string[] {
  const parameters = [
    // By itself a primary waits up to 15 s for a successor before it stops, and here there may be none.
    'shutdownTimeoutMillisForSignaledShutdown=100',
    'diagnosticDataCollectionEnabled=false',
  ]
  const where = ['--dbpath', dir, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket']
  const set = ['--replSet', setName, '--oplogSize', '512', '--wiredTigerCacheSizeGB', String(cacheGb)]
  return [...where, ...set, ...parameters.flatMap((parameter) => ['--setParameter', parameter])]
}
