/** Keeps two processes from serving one directory: their indexes would drift apart. */
import { connect } from 'node:net'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readRecord } from './records.ts'

interface Owner {
  pid: number
  port: number
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 })
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
    socket.once('timeout', () => finish(false))
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return err instanceof Error && 'code' in err && err.code === 'EPERM'
  }
}

/**
 * Takes the directory, or throws where its owner lives. A killed owner leaves its note behind, and its pid may be
 * another process by now, so the port is asked too.
 */
export async function claimDirectory(dir: string, port: number): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const path = join(dir, 'owner.json')
  const owner = await readRecord<Owner>(path).catch(() => null)
  if (owner && owner.pid !== process.pid && isAlive(owner.pid) && (await answers(owner.port)))
    throw new Error(`the data directory is already served by process ${owner.pid} on port ${owner.port}`)
  await writeFile(path, JSON.stringify({ pid: process.pid, port } satisfies Owner))
  return () => rm(path, { force: true })
}
