// A PostgreSQL that streams from another of ours. npm's package brings no pg_basebackup, so the copy is made as its
// manual describes: between pg_backup_start and pg_backup_stop the files are copied as they are.
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import postgres from 'postgres'
import { findOrdinaryUser, giveFolder } from './as-ordinary-user.ts'
import { launch, type PostgresOptions, startPostgres } from './postgres.ts'
import type { RunningStore } from './redis.ts'

/** What a primary needs beyond the ordinary to be followed. */
const primarySettings = ['wal_level=replica', 'max_wal_senders=4', 'wal_keep_size=256MB']

const notCopied = ['pg_wal', 'pg_replslot', 'postmaster.pid', 'postmaster.opts']

/** Starts a primary that a replica can follow. */
export async function startPostgresPrimary(options: PostgresOptions): Promise<RunningStore> {
  return startPostgres({ ...options, settings: [...primarySettings, ...(options.settings ?? [])] })
}

/** Starts a replica of a primary in the same data folder, from a fresh copy or, given `port`, from what it had. */
export async function startPostgresReplica(
  options: PostgresOptions,
  primary: RunningStore,
): Promise<RunningStore> {
  const { dataDir, binary } = options
  const from = join(dataDir, `postgres-${binary.major}`)
  const dir = `${from}-replica`
  const user = await findOrdinaryUser(dataDir)
  if (options.port === undefined) await copyCluster(primary.url, from, dir)
  await giveFolder(dir, user.owner)
  const { username, password } = new URL(primary.url)
  const connection = `host=127.0.0.1 port=${primary.port} user=${username} password=${password}`
  const settings = [...primarySettings, 'hot_standby=on', `primary_conninfo=${connection}`]
  return launch(
    { ...options, settings: [...settings, ...(options.settings ?? [])] },
    { name: 'postgres-replica', dir, user, password },
    (url) => isFollowing(url('parley')),
  )
}

async function copyCluster(primaryUrl: string, from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  // Begun and ended by one connection: with it gone, the backup counts as given up.
  const sql = postgres(primaryUrl, { max: 1, onnotice: () => {} })
  try {
    await sql`SELECT pg_backup_start('replica', true)`
    await mkdir(to, { mode: 0o700 })
    await cp(from, to, {
      recursive: true,
      filter: (path) => !notCopied.includes(basename(path)) || path === from,
    })
    await mkdir(join(to, 'pg_wal'), { mode: 0o700 })
    await mkdir(join(to, 'pg_replslot'), { mode: 0o700 })
    const [backup] = await sql`SELECT labelfile FROM pg_backup_stop(false)`
    await writeFile(join(to, 'backup_label'), String(backup?.labelfile), { mode: 0o600 })
    await writeFile(join(to, 'standby.signal'), '', { mode: 0o600 })
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function isFollowing(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} })
  try {
    const [state] = await sql`SELECT pg_is_in_recovery() AS "isReplica"`
    const [receiver] = await sql`SELECT status FROM pg_stat_wal_receiver`
    return state?.isReplica === true && receiver?.status === 'streaming'
  } finally {
    await sql.end({ timeout: 1 })
  }
}
