// One holder at a time for something that belongs to a folder. A lock left by a process that was killed is taken
// over, because it names the process and the moment at which that started.
import { rmSync } from 'node:fs'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isRunning, markProcess, type ProcessMark } from './stores/processes.ts'

export type Lock = { holder: null; wasStale: boolean; release(): void } | { holder: ProcessMark }

/** Takes the lock, or says who has it. */
export async function takeLock(path: string): Promise<Lock> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  await writeFile(draft, JSON.stringify(await markProcess(process.pid)))
  let wasStale = false
  try {
    for (;;) {
      // A link appears whole or not at all, so nobody reads half a lock.
      const isTaken = await link(draft, path).then(
        () => false,
        (err: NodeJS.ErrnoException) => {
          if (err.code === 'EEXIST') return true
          throw err
        },
      )
      if (!isTaken) return { holder: null, wasStale, release: () => rmSync(path, { force: true }) }
      const text = await readFile(path, 'utf8').catch(() => null)
      if (text === null) continue
      const holder = parse(text)
      if (holder && (await isRunning(holder))) return { holder }
      wasStale = true
      await removeStale(path, text)
    }
  } finally {
    await rm(draft, { force: true })
  }
}

// Another process may have replaced the stale lock since it was read; what was moved by mistake goes back.
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`
  const isMoved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!isMoved) return
  if ((await readFile(aside, 'utf8')) !== text) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}

function parse(text: string): ProcessMark | null {
  try {
    return JSON.parse(text) as ProcessMark
  } catch {
    return null
  }
}
