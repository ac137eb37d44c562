// One PostgreSQL and one MongoDB for a test alone: to be killed, frozen and started again while servers use them.
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { findMongod } from '../../scripts/stores/mongo-binary.ts'
import { startMongo } from '../../scripts/stores/mongo.ts'
import { findPostgres } from '../../scripts/stores/postgres-binary.ts'
import { startPostgres } from '../../scripts/stores/postgres.ts'
import type { RunningStore } from '../../scripts/stores/redis.ts'

export class LoneStore {
  readonly url: string
  #running: RunningStore
  readonly #start: (port: number) => Promise<RunningStore>
  readonly #dataDir: string

  private constructor(
    running: RunningStore,
    start: (port: number) => Promise<RunningStore>,
    dataDir: string,
  ) {
    this.url = running.url
    this.#running = running
    this.#start = start
    this.#dataDir = dataDir
  }

  static async postgres(): Promise<LoneStore> {
    const dataDir = await ownFolder('postgres')
    const binary = await findPostgres(join(import.meta.dirname, '../..'), dataDir)
    const start = (port?: number): Promise<RunningStore> =>
      startPostgres({ dataDir, binary, ...(port === undefined ? {} : { port }) })
    return new LoneStore(await start(), start, dataDir)
  }

  static async mongo(): Promise<LoneStore> {
    const dataDir = await ownFolder('mongo')
    const binDir = join(import.meta.dirname, '../../.data/bin')
    const mongod = await findMongod({ binDir, systemPackages: 'never', log: () => {} }, dataDir)
    const start = (port?: number): Promise<RunningStore> =>
      startMongo({ dataDir, mongod, cacheGb: 0.25, ...(port === undefined ? {} : { port }) })
    return new LoneStore(await start(), start, dataDir)
  }

  /** Stands still with all its processes; connections stay open and silent. */
  freeze(): void {
    this.#signal('SIGSTOP')
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  /** Ends it with kill -9, as a crash would. */
  async kill(): Promise<void> {
    await this.#running.kill()
  }

  /** Starts it again on its port and with its data. */
  async restart(): Promise<void> {
    this.#running = await this.#start(this.#running.port)
  }

  /** Puts it back in order after a test, whatever the test did to it. */
  async mend(): Promise<void> {
    if (this.#running.hasExited()) await this.restart()
    else this.thaw()
  }

  async remove(): Promise<void> {
    this.thaw()
    await this.#running.stop()
    await rm(this.#dataDir, { recursive: true, force: true })
  }

  /** PostgreSQL serves each connection with a process of its own. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#running.hasExited()) return
    const { pid } = this.#running
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
    const children = rows
      .map((row) => row.trim().split(/\s+/).map(Number))
      .filter(([, parent]) => parent === pid)
    for (const target of [pid, ...children.map(([child]) => child ?? pid)]) {
      try {
        process.kill(target, signal)
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err
      }
    }
  }
}

async function ownFolder(name: string): Promise<string> {
  const runDir = process.env['TEST_RUN_DIR']
  if (runDir === undefined) throw new Error('TEST_RUN_DIR is missing: run the tests by npm test')
  return await mkdtemp(join(runDir, `lone-${name}-`))
}
