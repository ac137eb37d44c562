// A Redis of our own. It keeps nothing on disk: Redis is never the truth here, and a start with an empty one
// is the everyday proof of that.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { choosePort, rememberPort } from './chosen-port.ts'
import { redisVersion } from './redis-binary.ts'
import { endLeftover, lostPort, type Log, type Supervised, supervise, waitUntilReady } from './supervise.ts'

export type RedisOptions = {
  dataDir: string
  /** Path of the redis-server, from `findRedisServer` or REDIS_SERVER. */
  binary: string
  /** The port to use, for a restart in its place; otherwise the last one if free, or any. */
  port?: number
  /** Tells several in one data folder apart. */
  name?: string
  /** More arguments for redis-server, such as `--maxmemory 4mb`. */
  args?: string[]
  log?: Log
}

export type RunningStore = Supervised & { port: number; url: string; version: string }

/** Starts a Redis on loopback and waits until it answers. */
export async function startRedis(options: RedisOptions): Promise<RunningStore> {
  const { dataDir, binary, name = 'redis', args = [], log = () => {} } = options
  const dir = join(dataDir, name)
  await mkdir(dir, { recursive: true })
  await endLeftover(dataDir, name, 'TERM', log)
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await choosePort(dataDir, name))
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--set-proc-title', 'no']
    const store = await supervise({
      name,
      dataDir,
      command: binary,
      args: [...fixed, '--save', '', '--appendonly', 'no', ...args],
      stopSignal: 'TERM',
      graceSeconds: 2,
      log,
    })
    try {
      await waitUntilReady(store, 20_000, () => answers(port, store.pid))
    } catch (err) {
      if (options.port === undefined && attempt < 5 && (await lostPort(store))) continue
      throw err
    }
    await rememberPort(dataDir, name, port)
    const version = (await redisVersion(binary)) ?? 'unknown'
    return { ...store, port, url: `redis://127.0.0.1:${port}`, version }
  }
}

// The pid proves that it is ours that answers, and not one that was faster to take the port.
async function answers(port: number, pid: number): Promise<boolean> {
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.info('server')).includes(`process_id:${pid}\r`)
  } finally {
    client.disconnect()
  }
}
