// Downloaded servers are kept in one folder of the project, so that only the first start has to fetch them.
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from './supervise.ts'

/** Paths of the cached binaries of one program, the newest version first. */
export async function listCached(binDir: string, program: string): Promise<string[]> {
  const names = await readdir(binDir).catch(() => [])
  return names
    .filter((name) => name.startsWith(`${program}-`) && /\d$/.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(binDir, name))
}

/**
 * Lets `fetch` put a binary into a folder of its own and moves it to its place in one step: two processes
 * may fetch the same one at once, and neither ever sees half of it.
 */
export async function cacheBinary(
  binDir: string,
  nameOf: (path: string) => Promise<string>,
  fetch: (folder: string) => Promise<string>,
): Promise<string> {
  await mkdir(binDir, { recursive: true })
  await removeAbandoned(binDir)
  const folder = await mkdtemp(join(binDir, 'fetch-'))
  try {
    const fetched = await fetch(folder)
    await chmod(fetched, 0o755)
    const path = join(binDir, await nameOf(fetched))
    await rename(fetched, path)
    return path
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Reports how much has arrived in a folder, with the share of the whole when that is known. */
export function reportArrival(folder: string, label: string, log: Log, bytesWhole?: number): () => void {
  const startedAt = Date.now()
  const report = async () => {
    const bytes = await folderSize(folder)
    const seconds = `${Math.round((Date.now() - startedAt) / 1000)} s`
    const percent = bytesWhole ? Math.min(100, Math.floor((bytes * 100) / bytesWhole)) : 0
    const whole = bytesWhole ? ` of ${inMb(bytesWhole)} MB (${percent}%)` : ' MB'
    log(`  ${label}: ${inMb(bytes)}${whole}, ${seconds}`)
  }
  const timer = setInterval(() => void report(), 2000)
  return () => clearInterval(timer)
}

/** The bytes of all files below a folder. */
export async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        (found) => found.size,
        () => 0,
      ),
    )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

async function removeAbandoned(binDir: string): Promise<void> {
  const hourAgo = Date.now() - 3_600_000
  for (const name of await readdir(binDir)) {
    if (!name.startsWith('fetch-')) continue
    const found = await stat(join(binDir, name)).catch(() => null)
    if (found && found.mtimeMs < hourAgo) await rm(join(binDir, name), { recursive: true, force: true })
  }
}

function inMb(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}
