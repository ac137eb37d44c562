// A stage: servers of one revision on databases of their own, with their people.
import { join } from 'node:path'
import postgres from 'postgres'
import type { Progress } from '../progress.ts'
import type { Pids } from '../sampling/cpu.ts'
import { castPeople, type Cast } from './people.ts'
import { REPO, startBenchServer, type BenchServer } from './processes.ts'
import type { BenchStores } from './stores.ts'

export type StageNeeds = {
  stores: BenchStores
  /** ID_SECRET and JWT_PRIVATE_KEYS. */
  secrets: Record<string, string>
  people: number
  nodes: number
  dataDir: string
  progress: Progress
  /** Names the databases; the default ones without it. */
  name?: string
  /** The checkout whose server is run; by default this one. */
  repo?: string
  settings?: Record<string, string>
}

export type Stage = {
  servers: BenchServer[]
  first: BenchServer
  urls: string[]
  pids: Pids
  cast: Cast
  env: BenchStores['env']
  stop: () => Promise<void>
}

/** The members that a group may have here: the largest that is measured. */
const GROUP_MEMBERS_MAX = '1024'

export async function openStage(needs: StageNeeds): Promise<Stage> {
  const { stores, secrets, progress, dataDir, name = '' } = needs
  const env = name === '' ? stores.env : await databasesOf(stores.env, name)
  const settings = { NODE_ENV: 'development', RATE_LIMITS: 'off', LOG_LEVEL: 'warn', GROUP_MEMBERS_MAX }
  const servers: BenchServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()))
  }
  try {
    for (let node = 0; node < needs.nodes; node += 1)
      servers.push(
        await startBenchServer({
          repo: needs.repo ?? REPO,
          env: { ...process.env, ...env, ...secrets, ...settings, ...needs.settings },
          logPath: join(dataDir, `server${name}-${node}.log`),
        }),
      )
    const bar = progress.bar('people', needs.people)
    const cast = await castPeople(
      env.DATABASE_URL,
      secrets['JWT_PRIVATE_KEYS'] ?? '[]',
      needs.people,
      bar.set,
    )
    progress.end()
    const first = servers[0]
    if (first === undefined) throw new Error('a stage has a server')
    const urls = servers.map(({ url }) => url)
    return {
      servers,
      first,
      urls,
      pids: { server: servers.map(({ pid }) => pid), ...stores.pids },
      cast,
      env,
      stop,
    }
  } catch (err) {
    await stop()
    throw err
  }
}

const withPath = (url: string, path: string): string =>
  url.replace(/^(\w+:\/\/[^/?]+)(\/[^?]*)?/, `$1/${path}`)

/** The same stores, other databases: two revisions must not see each other's data. */
async function databasesOf(env: BenchStores['env'], name: string): Promise<BenchStores['env']> {
  const sql = postgres(env.DATABASE_URL, { max: 1, onnotice: () => {} })
  try {
    const [present] = await sql`select 1 from pg_database where datname = ${name}`
    if (present === undefined) await sql`create database ${sql(name)}`
  } finally {
    await sql.end()
  }
  return {
    DATABASE_URL: withPath(env.DATABASE_URL, name),
    MONGODB_URL: withPath(env.MONGODB_URL, name),
    // Redis knows its databases by number.
    REDIS_URL: withPath(env.REDIS_URL, String(1 + (name.charCodeAt(0) % 15))),
  }
}
