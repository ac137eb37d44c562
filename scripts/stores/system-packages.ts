// Packages of the operating system, installed only where that was allowed: with --system, or on a CI machine.
import { findExecutables, runCommand } from './run-command.ts'
import type { Log } from './supervise.ts'

/** Installs a package with apt or brew and says whether that worked. */
export async function installSystemPackage(
  names: { apt?: string; brew?: string },
  log: Log,
): Promise<boolean> {
  const [aptGet] = await findExecutables(['apt-get'])
  const [brew] = await findExecutables(['brew'])
  if (names.apt && aptGet) return installWithApt(aptGet, names.apt, log)
  if (names.brew && brew) {
    log(`installing ${names.brew} with brew`)
    return (await runCommand(brew, ['install', names.brew], { timeoutMs: 900_000 })).ok
  }
  return false
}

async function installWithApt(aptGet: string, name: string, log: Log): Promise<boolean> {
  const isRoot = process.getuid?.() === 0
  if (!isRoot && !(await runCommand('sudo', ['-n', 'true'])).ok) return false
  const [command, first] = isRoot ? [aptGet, []] : ['sudo', ['-n', aptGet]]
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Two starts may install at once; the second waits for the package manager's own lock.
  const flags = ['-o', 'DPkg::Lock::Timeout=180', '-y', '-qq']
  const install = [...first, ...flags, 'install', '--no-install-recommends', name]
  log(`installing ${name} with apt-get`)
  if ((await runCommand(command, install, { timeoutMs: 600_000, env })).ok) return true
  await runCommand(command, [...first, ...flags, 'update'], { timeoutMs: 300_000, env })
  return (await runCommand(command, install, { timeoutMs: 600_000, env })).ok
}
