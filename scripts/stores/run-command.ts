import { type ChildProcess, execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export type CommandResult = { ok: boolean; stdout: string; stderr: string }
export type CommandOptions = {
  timeoutMs?: number
  env?: NodeJS.ProcessEnv
  uid?: number
  gid?: number
}

const running = new Set<ChildProcess>()
let isCancelled = false

/** Ends all commands that run and lets none begin, for a start that is given up while it installs or downloads. */
export function cancelCommands(): void {
  isCancelled = true
  for (const child of running) child.kill('SIGTERM')
}

/** Ends the child with the others when the start is given up. */
export function endOnCancel(child: ChildProcess): void {
  if (isCancelled) child.kill('SIGTERM')
  running.add(child)
  child.once('close', () => running.delete(child))
}

/** Runs a command to its end and returns what it printed; a failure is a result and not an exception. */
export async function runCommand(
  command: string,
  args: string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { timeoutMs = 30_000, ...rest } = options
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { ...rest, timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024 },
      (err, stdout, stderr) => resolve({ ok: err === null, stdout, stderr: stderr || (err?.message ?? '') }),
    )
    endOnCancel(child)
  })
}

/** Every place where one of the names is an executable: the PATH first, then the folders given. */
export async function findExecutables(names: string[], folders: string[] = []): Promise<string[]> {
  const searched = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...folders]
  const found: string[] = []
  for (const folder of searched) {
    for (const name of names) {
      const path = join(folder, name)
      const isExecutable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (isExecutable && !found.includes(path)) found.push(path)
    }
  }
  return found
}
