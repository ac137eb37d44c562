// npm run bench: what one server node takes, beside a relay without stores in the same run.
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measure, type Result } from './bench/measure.ts'
import { makeChats, signUpMany, type Cast } from './bench/people.ts'
import { WORKLOADS, type Workload } from './bench/plan.ts'
import { startBenchServer, startScript, stopProcess, type BenchServer } from './bench/processes.ts'
import { ratioToRelay, table } from './bench/report.ts'
import { loadDevelopmentSecrets } from './secrets.ts'
import { startStores, type Stores } from './stores/start-stores.ts'

const HELP = `npm run bench -- [options]

Measures one server node that this command starts itself, with rate limits off, beside a bare WebSocket
relay without stores. The stores are started too, unless DATABASE_URL, MONGODB_URL and REDIS_URL are set
(then their CPU time is not known). A message counts once its sender has the answer and every recipient
has the message.

  --workload W1,W2,W3   which to run (default all)
${WORKLOADS.map(({ name, title }) => `                        ${name}: ${title}`).join('\n')}
  --seconds 15          measured seconds of each run
  --warmup 3            seconds before them
  --receipts            recipients acknowledge what they stored, as phones do
  --json                one JSON document on stdout instead of the table
  --help                this text
`

const { values } = parseArgs({
  options: {
    workload: { type: 'string', default: 'W1,W2,W3' },
    seconds: { type: 'string', default: '15' },
    warmup: { type: 'string', default: '3' },
    receipts: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => void process.stderr.write(`${line}\n`)

function showProgress(label: string, line: string): void {
  const text = `  ${label}: ${line}`
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`)
  else say(text)
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')
}

function chosenWorkloads(): Workload[] {
  const names = values.workload.split(',').map((name) => name.trim().toUpperCase())
  const unknown = names.find((name) => !WORKLOADS.some((workload) => workload.name === name))
  if (unknown !== undefined) throw new Error(`there is no workload ${unknown}; see --help`)
  return WORKLOADS.filter((workload) => names.includes(workload.name))
}

function positive(name: 'seconds' | 'warmup'): number {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} wants a whole number of seconds`)
  return value
}

async function storesFor(dataDir: string): Promise<Stores | null> {
  const given = ['DATABASE_URL', 'MONGODB_URL', 'REDIS_URL'].filter((name) => process.env[name] !== undefined)
  if (given.length === 3) return null
  if (given.length > 0) throw new Error('set all of DATABASE_URL, MONGODB_URL and REDIS_URL, or none')
  say('Starting the stores')
  return await startStores({ dataDir, log: (line) => say(`  ${line}`) })
}

async function runRelay(workload: Workload): Promise<Result> {
  const relay = startScript('scripts/bench/relay.ts')
  try {
    const [{ url }] = (await once(relay, 'message')) as [{ url: string }]
    return await measureWith(workload, { kind: 'relay', url }, { server: relay.pid ?? 0 })
  } finally {
    await stopProcess(relay)
  }
}

async function runParley(
  workload: Workload,
  server: BenchServer,
  cast: Cast,
  pids: Record<string, number>,
): Promise<Result> {
  const chatIds = await makeChats(cast, workload)
  const people = cast.people.slice(0, workload.people)
  const target = { kind: 'parley', url: server.url, people, chatIds, withReceipts: values.receipts } as const
  return await measureWith(workload, target, { server: server.pid, ...pids })
}

async function measureWith(
  workload: Workload,
  target: Parameters<typeof measure>[0]['target'],
  pids: Record<string, number>,
): Promise<Result> {
  const order = { workload, target, warmupSeconds: positive('warmup'), seconds: positive('seconds') }
  const result = await measure(order, pids, (line) => showProgress(`${workload.name} ${target.kind}`, line))
  endProgress()
  return result
}

async function main(): Promise<void> {
  const workloads = chosenWorkloads()
  const root = fileURLToPath(new URL('../.data/bench/', import.meta.url))
  await mkdir(root, { recursive: true })
  const dataDir = await mkdtemp(root)
  let stores: Stores | null = null
  let server: BenchServer | null = null
  const stop = async (): Promise<void> => {
    await server?.stop()
    await stores?.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stop().finally(() => process.exit(130)))
  }
  try {
    stores = await storesFor(dataDir)
    const secrets = await loadDevelopmentSecrets(dataDir)
    const settings = { NODE_ENV: 'development', RATE_LIMITS: 'off', LOG_LEVEL: 'warn' }
    const env = { ...process.env, ...stores?.env, ...secrets, ...settings }
    server = await startBenchServer(env, join(dataDir, 'server.log'))
    const count = Math.max(...workloads.map((workload) => workload.people))
    const cast = await signUpMany(server.url, count, (done) => {
      if (done % 16 === 0 || done === count) showProgress('people', `${done} of ${count}`)
    })
    endProgress()
    const pids = Object.fromEntries((stores?.children ?? []).map(({ name, pid }) => [name, pid]))
    const results: Result[] = []
    for (const workload of workloads) {
      say(`${workload.name}: ${workload.title}`)
      results.push(await runRelay(workload), await runParley(workload, server, cast, pids))
    }
    print(results)
  } finally {
    await stop()
  }
}

function print(results: Result[]): void {
  if (!values.json) {
    console.log(table(results))
    return
  }
  const relayOf = (result: Result): Result | undefined =>
    results.find((other) => other.target === 'relay' && other.workload === result.workload)
  const rows = results.map((result) => {
    const relay = relayOf(result)
    return { ...result, ratioToRelay: relay === undefined ? null : ratioToRelay(result, relay) }
  })
  console.log(JSON.stringify({ results: rows }, null, 2))
}

if (values.help) console.log(HELP)
else {
  await main().catch((err: unknown) => {
    console.error(err instanceof Error ? err.message : err)
    process.exitCode = 1
  })
}
