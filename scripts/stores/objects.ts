// An S3 endpoint of our own, with its files in the data folder.
import { randomBytes } from 'node:crypto'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { choosePort, rememberPort } from './chosen-port.ts'
import type { RunningStore } from './redis.ts'
import { endLeftover, lostPort, type Log, supervise, waitUntilReady } from './supervise.ts'

export type ObjectsOptions = { dataDir: string; port?: number; log?: Log }
export type RunningObjects = RunningStore & {
  bucket: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

const program = join(import.meta.dirname, 'objects/server.ts')
const bucket = 'parley'

/** Whether this checkout has the S3 endpoint. */
export async function hasObjects(): Promise<boolean> {
  return access(program).then(
    () => true,
    () => false,
  )
}

/** Starts the S3 endpoint on loopback and waits until it listens. */
export async function startObjects(options: ObjectsOptions): Promise<RunningObjects> {
  const { dataDir, log = () => {} } = options
  const dir = join(dataDir, 'objects')
  await mkdir(dir, { recursive: true })
  const keys = await loadKeys(dataDir)
  await endLeftover(dataDir, 'objects', 'TERM', log)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await choosePort(dataDir, 'objects'))
    const credentials = ['--access-key', keys.accessKeyId, '--secret-key', keys.secretAccessKey]
    const where = ['--port', String(port), '--data', dir, '--bucket', bucket]
    const store = await supervise({
      name: 'objects',
      dataDir,
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), program, ...where, ...credentials],
      stopSignal: 'TERM',
      graceSeconds: 2,
      log,
    })
    const url = `http://127.0.0.1:${port}`
    try {
      await waitUntilReady(store, 30_000, async () => (await store.output()).includes(`listening ${url}`))
    } catch (err) {
      if (options.port === undefined && attempt < 5 && (await lostPort(store))) continue
      throw err
    }
    await rememberPort(dataDir, 'objects', port)
    return { ...store, port, url, version: 'own endpoint', bucket, region: 'us-east-1', ...keys }
  }
}

async function loadKeys(dataDir: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const path = join(dataDir, 'objects.keys')
  const stored = await readFile(path, 'utf8').catch(() => null)
  if (stored !== null) return JSON.parse(stored) as { accessKeyId: string; secretAccessKey: string }
  const keys = {
    accessKeyId: `parley${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(24).toString('hex'),
  }
  await writeFile(path, JSON.stringify(keys), { mode: 0o600 })
  return keys
}
