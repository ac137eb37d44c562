import { execFile } from 'node:child_process'
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

/** Runs a command to its end and returns what it printed; a failure is a result and not an exception. */
export async function runCommand(
  command: string,
  args: string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { timeoutMs = 30_000, ...rest } = options
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { ...rest, timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024 },
      (err, stdout, stderr) => resolve({ ok: err === null, stdout, stderr: stderr || (err?.message ?? '') }),
    )
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
