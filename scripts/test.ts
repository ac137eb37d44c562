// `npm test`: the checks, then the tests against real stores that live in a folder of this run alone, so that any
// number of runs go on side by side.
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { markProcess } from './stores/processes.ts'
import { cancelCommands } from './stores/run-command.ts'
import { startStores, type Stores } from './stores/start-stores.ts'
import { StoreError } from './stores/store-error.ts'
import { endLeftovers } from './stores/supervise.ts'

type Tally = { passed: number; failed: number; skipped: number }

const projectDir = join(import.meta.dirname, '..')
const dataDir = join(projectDir, '.data')
const runDir = join(dataDir, `test-${process.pid}`)
const reportPath = join(runDir, 'vitest.json')
const vitest = join(projectDir, 'node_modules/vitest/vitest.mjs')
const bin = (name: string) => join(projectDir, 'node_modules/.bin', name)

const checks = [
  { name: 'format', command: [bin('oxfmt'), '--check'] },
  { name: 'lint', command: [bin('oxlint'), '--type-aware'] },
  { name: 'types', command: [bin('tsc'), '--noEmit'] },
  {
    name: '.env.example',
    command: [process.execPath, '--import', 'tsx', 'scripts/env-example.ts', '--check'],
  },
  { name: 'documents', command: [process.execPath, '--import', 'tsx', 'scripts/check-docs.ts'] },
]

const args = process.argv.slice(2)
const withoutChecks = args.includes('--no-checks')
const testArgs = args.filter((arg) => arg !== '--no-checks')
if (args.includes('--help')) {
  console.log(`Usage: npm test -- [--no-checks] [test files and options of vitest]

Checks format, lint, types and documents, starts PostgreSQL, MongoDB, Redis and an S3 endpoint for this run alone, runs the
tests and removes it all. The last line says how many passed. Exit code 0 only if none failed.`)
  process.exit(0)
}

let child: ChildProcess | undefined
let starting: Promise<Stores> | undefined
let ending: Promise<void> | undefined

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(130))
if (process.channel) {
  process.on('disconnect', () => void end(130))
  process.channel.unref()
}
process.on('exit', () => rmSync(runDir, { recursive: true, force: true }))

try {
  await end(await runAll())
} catch (err) {
  if (!ending) console.error(err instanceof StoreError ? `${err.message}.\n${err.remedy}` : err)
  // Stores that could not be had are a failure of the run, and its last line says so.
  if (!ending) console.log('0 passed, 1 failed')
  await end(1)
}

async function runAll(): Promise<number> {
  await removeAbandonedRuns()
  await mkdir(runDir, { recursive: true })
  starting = startStores({
    dataDir: runDir,
    log: (line) => console.log(`  ${line}`),
    postgresConnectionsMax: 400,
  })
  // A failure is reported where `starting` is awaited; until then it must not count as unhandled.
  starting.catch(() => {})
  const checked = withoutChecks ? nothing() : await runChecks()
  const stores = await starting
  if (ending) return 130
  const tested = await runTests(stores)
  const [passed, failed] = [checked.passed + tested.passed, checked.failed + tested.failed]
  const skipped = tested.skipped > 0 ? `, ${tested.skipped} skipped` : ''
  await stores.stop()
  if (!ending) console.log(`\n${passed} passed, ${failed} failed${skipped}`)
  return failed === 0 ? 0 : 1
}

async function runChecks(): Promise<Tally> {
  const tally = nothing()
  for (const { name, command } of checks) {
    if (ending) break
    const startedAt = performance.now()
    const ok = (await runChild(command, process.env)) === 0
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`  ${name.padEnd(24)} ${ok ? 'passed' : 'FAILED'}  ${seconds} s`)
    if (ok) tally.passed += 1
    else tally.failed += 1
  }
  return tally
}

async function runTests(stores: Stores): Promise<Tally> {
  const env = {
    ...process.env,
    ...stores.env,
    REDIS_SERVER: stores.redisServerPath ?? '',
    TEST_RUN_DIR: runDir,
    NODE_ENV: 'test',
  }
  const lifeline = import.meta.resolve('./lifeline.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`]
  const config = ['--config', 'test/support/vitest.config.ts']
  const code = await runChild(
    [process.execPath, '--import', lifeline, vitest, 'run', ...config, ...reporters, ...testArgs],
    env,
  )
  const tally = await readReport()
  // A run can fail with all its tests passed: an error outside of any test, or no tests at all.
  if (code !== 0 && tally.failed === 0) tally.failed = 1
  return tally
}

type Report = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

async function readReport(): Promise<Tally> {
  const text = await readFile(reportPath, 'utf8').catch(() => null)
  if (text === null) return { ...nothing(), failed: 1 }
  const report = JSON.parse(text) as Report
  // A file that cannot be loaded, or whose set-up fails, has no failed test to be counted.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

async function runChild([command = '', ...rest]: string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    child = spawn(command, rest, { cwd: projectDir, env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.once('error', (err) => {
      console.error(`${command}: ${err.message}`)
      child = undefined
      resolve(1)
    })
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

async function removeAbandonedRuns(): Promise<void> {
  for (const name of await readdir(dataDir).catch((): string[] => [])) {
    const pid = Number(/^test-(\d+)$/.exec(name)?.[1])
    if (!pid || (await markProcess(pid))) continue
    const folder = join(dataDir, name)
    await endLeftovers(folder, console.log)
    await rm(folder, { recursive: true, force: true })
  }
}

function nothing(): Tally {
  return { passed: 0, failed: 0, skipped: 0 }
}

function end(code: number): Promise<void> {
  ending ??= (async () => {
    cancelCommands()
    if (child && child.exitCode === null && child.signalCode === null) {
      const running = child
      running.kill('SIGTERM')
      const force = setTimeout(() => running.kill('SIGKILL'), 4000)
      await new Promise((resolve) => running.once('exit', resolve))
      clearTimeout(force)
    }
    const stores = await starting?.catch(() => null)
    await stores?.stop()
    process.exit(code)
  })()
  return ending
}
