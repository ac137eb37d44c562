import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, isPortFree } from './ports.ts'

/** The port that the store had last time, if it is free, so that URLs copied elsewhere go on working. */
export async function choosePort(dataDir: string, name: string): Promise<number> {
  const last = Number(await readFile(portPath(dataDir, name), 'utf8').catch(() => ''))
  return last && (await isPortFree(last)) ? last : freePort()
}

/** Notes the port that a store got. */
export async function rememberPort(dataDir: string, name: string, port: number): Promise<void> {
  await writeFile(portPath(dataDir, name), `${port}\n`)
}

function portPath(dataDir: string, name: string): string {
  return join(dataDir, 'run', `${name}.port`)
}
