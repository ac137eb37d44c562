/** Small JSON files that are either the old one or the new one, whenever the process or the machine dies. */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Makes a rename in that directory survive a loss of power. */
export async function syncDirectory(dir: string): Promise<void> {
  // Windows cannot open directories; there the file system's own journal has to do.
  if (process.platform === 'win32') return
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export function isMissing(err: unknown): boolean {
  return err instanceof Error && 'code' in err && err.code === 'ENOENT'
}

/** Replaces the record at once: readers and crashes see all of it or nothing. */
export async function writeRecord(path: string, temporaryDir: string, value: object): Promise<void> {
  const temporary = join(temporaryDir, randomUUID())
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(JSON.stringify(value))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await mkdir(dirname(path), { recursive: true })
    await rename(temporary, path)
  } catch (err) {
    await rm(temporary, { force: true })
    throw err
  }
  await syncDirectory(dirname(path))
}

export async function readRecord<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (err) {
    if (isMissing(err)) return null
    throw new Error(`the record ${path} cannot be read`, { cause: err })
  }
}

export async function removeRecord(path: string): Promise<void> {
  await rm(path, { force: true })
  try {
    await syncDirectory(dirname(path))
  } catch (err) {
    if (!isMissing(err)) throw err
  }
}
