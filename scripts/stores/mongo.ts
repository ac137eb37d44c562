// A MongoDB of our own: a replica set of one member, because majority writes, change streams and transactions
// exist only in a replica set.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MongoClient, MongoServerError } from 'mongodb'
import { choosePort, rememberPort } from './chosen-port.ts'
import type { Mongod } from './mongo-binary.ts'
import type { RunningStore } from './redis.ts'
import { endLeftover, lostPort, type Log, supervise, waitUntilReady } from './supervise.ts'

const setName = 'parley'
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

/** Starts a mongod on loopback and waits until it is the primary of its set. */
export async function startMongo(options: MongoOptions): Promise<RunningStore> {
  const { dataDir, mongod, cacheGb = 0.5, args = [], log = () => {} } = options
  // One major version cannot open the files of another.
  const dir = join(dataDir, `mongo-${mongod.major}`)
  await mkdir(dir, { recursive: true })
  await endLeftover(dataDir, 'mongodb', 'TERM', log)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await choosePort(dataDir, 'mongodb'))
    const store = await supervise({
      name: 'mongodb',
      dataDir,
      command: mongod.path,
      args: [...fixedArguments(dir, port, cacheGb), ...args],
      stopSignal: 'TERM',
      graceSeconds: 3,
      log,
    })
    try {
      await waitUntilReady(store, 60_000, () => isPrimary(port, store.pid))
    } catch (err) {
      if (options.port === undefined && attempt < 5 && (await lostPort(store))) continue
      throw err
    }
    await rememberPort(dataDir, 'mongodb', port)
    const url = `mongodb://127.0.0.1:${port}/parley?replicaSet=${setName}`
    return { ...store, port, url, version: mongod.version }
  }
}

function fixedArguments(dir: string, port: number, cacheGb: number): string[] {
  const parameters = [
    // By itself a primary waits up to 15 s for a successor before it stops, and here there is none.
    'shutdownTimeoutMillisForSignaledShutdown=100',
    'diagnosticDataCollectionEnabled=false',
  ]
  const where = ['--dbpath', dir, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket']
  const set = ['--replSet', setName, '--oplogSize', '512', '--wiredTigerCacheSizeGB', String(cacheGb)]
  return [...where, ...set, ...parameters.flatMap((parameter) => ['--setParameter', parameter])]
}

async function isPrimary(port: number, pid: number): Promise<boolean> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1000,
    connectTimeoutMS: 1000,
  })
  try {
    const admin = client.db('admin')
    // The pid proves that it is ours that answers, and not one that was faster to take the port.
    if (Number((await admin.command({ serverStatus: 1, repl: 0, metrics: 0 })).pid) !== pid) return false
    if ((await admin.command({ hello: 1 })).isWritablePrimary === true) return true
    await settleSet(client, `127.0.0.1:${port}`)
    return false
  } finally {
    await client.close()
  }
}

async function settleSet(client: MongoClient, host: string): Promise<void> {
  const admin = client.db('admin')
  const status = await admin.command({ replSetGetStatus: 1 }).catch((err: unknown) => err)
  const code = status instanceof MongoServerError ? status.code : undefined
  if (code === notYetInitialized) {
    await admin.command({ replSetInitiate: { _id: setName, members: [{ _id: 0, host }] } })
    return
  }
  const { config } = await admin.command({ replSetGetConfig: 1 })
  if (config.members[0]?.host === host && code !== invalidReplicaSetConfig) return
  // Started on another port than before, the member does not find itself in its own configuration. Force is
  // safe with one member: nobody else can have another opinion.
  const members = [{ ...config.members[0], host }]
  await admin.command({ replSetReconfig: { ...config, version: config.version + 1, members }, force: true })
}
