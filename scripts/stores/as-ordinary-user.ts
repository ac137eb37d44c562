// PostgreSQL refuses to run as root, and the project may lie in a folder that only root can enter. So the ways
// are tried in which a process is not root and can still read root's files.
import { chown, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findExecutables, runCommand } from './run-command.ts'
import { StoreError } from './store-error.ts'

export type OrdinaryUser = {
  /** What goes before the command. */
  prefix: string[]
  owner?: { uid: number; gid: number }
}

const nobody = 65_534

/** How to run a program as somebody who is not root and can use `folder`; what it writes there must be his. */
export async function findOrdinaryUser(folder: string): Promise<OrdinaryUser> {
  if (process.getuid?.() !== 0) return { prefix: [] }
  const [unshare] = await findExecutables(['unshare'], ['/usr/bin'])
  if (unshare) {
    // Inside such a user namespace root is called 1000, and its files are his.
    const prefix = [unshare, '--user', '--map-user=1000', '--map-group=1000', '--']
    if (await isOrdinary(prefix)) return { prefix }
  }
  const owner = await chooseOwner(folder)
  const [setpriv] = await findExecutables(['setpriv'], ['/usr/bin'])
  if (setpriv) {
    // Containers often forbid namespaces, but leave root the right to pass one capability on: that of entering
    // any folder.
    const ids = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups']
    const capabilities = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
    // Without this bit access(2) answers as if the capability were not there, and PostgreSQL asks it.
    capabilities.push('--securebits=+no_setuid_fixup')
    const prefix = [setpriv, ...ids, ...capabilities, '--']
    if ((await isOrdinary(prefix)) && (await runCommand(prefix[0]!, [...prefix.slice(1), 'ls', folder])).ok) {
      return { prefix, owner }
    }
  }
  const canEnter = await runCommand('ls', [folder], { uid: owner.uid, gid: owner.gid })
  if (canEnter.ok) return { prefix: [], owner }
  throw new StoreError(
    `PostgreSQL does not run as root, and another user cannot enter ${folder}`,
    'Run this as an ordinary user, move the project to a folder that others may enter, or set DATABASE_URL.',
  )
}

/** Gives a folder and all in it to the user that will run the program, where that is not us. */
export async function giveFolder(folder: string, owner: OrdinaryUser['owner']): Promise<void> {
  const uid = owner?.uid ?? process.getuid?.()
  const gid = owner?.gid ?? process.getgid?.()
  const found = await stat(folder).catch(() => null)
  if (!found || uid === undefined || gid === undefined || found.uid === uid) return
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) await chown(join(entry.parentPath, entry.name), uid, gid)
  await chown(folder, uid, gid)
}

async function isOrdinary(prefix: string[]): Promise<boolean> {
  const [command = '', ...args] = prefix
  const result = await runCommand(command, [...args, 'id', '-u'], { timeoutMs: 5000 })
  return result.ok && result.stdout.trim() !== '0'
}

async function chooseOwner(folder: string): Promise<{ uid: number; gid: number }> {
  const { SUDO_UID, SUDO_GID } = process.env
  if (SUDO_UID && SUDO_GID) return { uid: Number(SUDO_UID), gid: Number(SUDO_GID) }
  const { uid, gid } = await stat(folder)
  return uid === 0 ? { uid: nobody, gid: nobody } : { uid, gid }
}
