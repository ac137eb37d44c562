// A PostgreSQL of our own, reached over loopback with a password that was drawn when its data was made.
import { randomBytes } from 'node:crypto'
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { findOrdinaryUser, giveFolder, type OrdinaryUser } from './as-ordinary-user.ts'
import { choosePort, rememberPort } from './chosen-port.ts'
import type { PostgresBinary } from './postgres-binary.ts'
import type { RunningStore } from './redis.ts'
import { runCommand } from './run-command.ts'
import { StoreError } from './store-error.ts'
import { endLeftover, lostPort, type Log, supervise, type Supervised, waitUntilReady } from './supervise.ts'

const roleName = 'parley'
const databaseName = 'parley'
const firstMajorWithBuiltinLocale = 17

export type PostgresOptions = {
  dataDir: string
  binary: PostgresBinary
  port?: number
  connectionsMax?: number
  /** More settings, as `name=value`. */
  settings?: string[]
  log?: Log
}

/** Starts a PostgreSQL on loopback, with its database made, and waits until it answers. */
export async function startPostgres(options: PostgresOptions): Promise<RunningStore> {
  const { dataDir, binary } = options
  await mkdir(dataDir, { recursive: true })
  const user = await findOrdinaryUser(dataDir)
  const dir = join(dataDir, `postgres-${binary.major}`)
  const password = await makeCluster(dir, binary, user)
  await giveFolder(dir, user.owner)
  const at = { name: 'postgres', dir, user, password }
  return launch(options, at, (url) => ensureDatabase(url('postgres')))
}

/** Where one server runs: its name in the data folder's marks and logs, its data, and who may use it. */
export type PostgresPlace = { name: string; dir: string; user: OrdinaryUser; password: string }

/** Starts a server on data that is there, and waits until `isReady` says that it will do. */
export async function launch(
  options: PostgresOptions,
  at: PostgresPlace,
  isReady: (url: (database: string) => string) => Promise<boolean>,
): Promise<RunningStore> {
  const { dataDir, binary, log = () => {} } = options
  const { name, password } = at
  await endLeftover(dataDir, name, 'INT', log)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await choosePort(dataDir, name))
    const store = await run(options, at, port)
    const url = (database: string) => `postgres://${roleName}:${password}@127.0.0.1:${port}/${database}`
    try {
      await waitUntilReady(store, 60_000, () => isReady(url))
    } catch (err) {
      if (options.port === undefined && attempt < 5 && (await lostPort(store))) continue
      // After kill -9 of the postmaster its children need a moment to notice, and hold its memory until then.
      if (attempt < 5 && /pre-existing shared memory block/.test(await store.output())) {
        log(`${name}: waiting for the processes of a killed server to end`)
        await new Promise((resolve) => setTimeout(resolve, 1000))
        continue
      }
      throw err
    }
    await rememberPort(dataDir, name, port)
    return { ...store, port, url: url(databaseName), version: binary.version }
  }
}

async function run(
  options: PostgresOptions,
  { name, dir, user }: PostgresPlace,
  port: number,
): Promise<Supervised> {
  const { dataDir, binary, connectionsMax = 200, settings = [], log = () => {} } = options
  const chosen = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${connectionsMax}`,
    'shared_buffers=64MB',
    'wal_level=minimal',
    'max_wal_senders=0',
    'password_encryption=scram-sha-256',
    ...settings,
  ]
  const program = [join(binary.binDir, 'postgres'), '-D', dir, '-p', String(port)]
  const [command = '', ...args] = [
    ...user.prefix,
    ...program,
    ...chosen.flatMap((setting) => ['-c', setting]),
  ]
  return supervise({
    name,
    dataDir,
    command,
    args,
    stopSignal: 'INT',
    graceSeconds: 3,
    log,
    // With a prefix it is the prefix that changes the user, and it has to start as root to do so.
    ...(user.owner && user.prefix.length === 0 ? { owner: user.owner } : {}),
  })
}

// Made beside its place and moved there when it is whole, so that an interrupted first start leaves no half.
async function makeCluster(dir: string, binary: PostgresBinary, user: OrdinaryUser): Promise<string> {
  const passwordPath = `${dir}.password`
  const stored = await readFile(passwordPath, 'utf8').catch(() => null)
  const isWhole = (await readdir(dir).catch((): string[] => [])).includes('PG_VERSION')
  if (stored !== null && isWhole) return stored.trim()
  if (isWhole)
    throw new StoreError(`${passwordPath} is missing`, `Restore it, or move ${dir} away to begin anew.`)

  const draft = `${dir}.new`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  await giveFolder(draft, user.owner)
  const password = stored?.trim() || randomBytes(24).toString('base64url')
  await writeFile(passwordPath, `${password}\n`, { mode: 0o600 })
  const handover = `${draft}.password`
  await rm(handover, { force: true })
  await writeFile(handover, `${password}\n`, { mode: 0o600 })
  if (user.owner) await chown(handover, user.owner.uid, user.owner.gid)
  const locale =
    binary.major >= firstMajorWithBuiltinLocale
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C']
  const initdb = [join(binary.binDir, 'initdb'), '-D', draft, '-U', roleName, `--pwfile=${handover}`]
  const [command = '', ...args] = [
    ...user.prefix,
    ...initdb,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    ...locale,
  ]
  const asOwner = user.prefix.length === 0 ? user.owner : undefined
  const result = await runCommand(command, args, { timeoutMs: 120_000, ...asOwner })
  await rm(handover)
  if (!result.ok) {
    await rm(draft, { recursive: true, force: true })
    throw new StoreError('PostgreSQL could not prepare its folder', result.stderr.trim())
  }
  await rename(draft, dir)
  return password
}

async function ensureDatabase(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} })
  try {
    const [found] = await sql`SELECT 1 FROM pg_database WHERE datname = ${databaseName}`
    if (!found) await sql`CREATE DATABASE ${sql(databaseName)}`
    return true
  } finally {
    await sql.end({ timeout: 1 })
  }
}
