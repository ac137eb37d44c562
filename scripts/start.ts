// `npm start`: real stores and one server, with nothing to install or to answer first.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { takeLock } from './folder-lock.ts'
import { loadDevelopmentSecrets } from './secrets.ts'
import { type ServerExit, type ServerProcess, startServer, waitUntilServing } from './server-process.ts'
import { freePort, isPortFree } from './stores/ports.ts'
import { sendSignal } from './stores/processes.ts'
import { cancelCommands } from './stores/run-command.ts'
import { requireFreeSpace, startStores, type StoreName, type Stores } from './stores/start-stores.ts'
import { StoreError } from './stores/store-error.ts'

const help = `Usage: npm start -- [options]

Starts PostgreSQL, MongoDB, Redis and an S3 endpoint of its own, all on loopback, and one server.
A store whose URL is set (DATABASE_URL, MONGODB_URL, REDIS_URL, S3_ENDPOINT) is used instead.
Everything is kept in .data and is there again at the next start; delete that folder to begin anew.

  --system   install missing stores with apt-get or brew instead of downloading them
  --json     print one JSON line when ready; what is for people goes to stderr
  --help     this text

Environment: PORT (3000), HOST (127.0.0.1), LOG_LEVEL (info) and all that .env.example lists; a .env file is read.

Exit codes
  0  stopped by Ctrl-C or SIGTERM, or already running in this folder
  1  could not start, or the server ended by itself; a sentence says why
  130  ended by a second Ctrl-C, without waiting`

const dataDir = join(import.meta.dirname, '../.data')
const portDefault = 3000
const serverStopMs = 6000
const storeVariables: Record<StoreName, string> = {
  postgres: 'DATABASE_URL',
  mongodb: 'MONGODB_URL',
  redis: 'REDIS_URL',
  objects: 'S3_ENDPOINT',
}
const urlVariables = ['DATABASE_URL', 'MONGODB_URL', 'REDIS_URL']
const objectVariables = ['ENDPOINT', 'BUCKET', 'REGION', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'].map(
  (name) => `S3_${name}`,
)

const options = readOptions()
if (options.help) {
  console.log(help)
  process.exit(0)
}

const startedAt = performance.now()
const say = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`)

let starting: Promise<Stores> | undefined
let server: ServerProcess | undefined
let lock: Awaited<ReturnType<typeof takeLock>> | undefined
let stopping: Promise<void> | undefined
let stopBeganAt = 0

listenForSignals()
try {
  await start()
} catch (err) {
  if (!stopping) await finish(1, err instanceof StoreError ? `${err.message}.\n${err.remedy}` : explain(err))
}

async function start(): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  await requireFreeSpace(dataDir)
  lock = await takeLock(join(dataDir, 'run/start.pid'))
  if (lock.holder) {
    const running = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8').catch(() => '{}')) as {
      url?: string
    }
    const where = running.url ? `at ${running.url}` : 'and is still starting'
    say(`Parley already runs in this folder ${where} (pid ${lock.holder.pid}).`)
    process.exit(0)
  }
  if (lock.wasStale) say('The last start in this folder was killed; its data is used as it is.')
  let port = await choosePort()

  say('Starting the stores')
  const only = (Object.keys(storeVariables) as StoreName[]).filter(
    (name) => !process.env[storeVariables[name]],
  )
  for (const [name, variable] of Object.entries(storeVariables)) {
    if (!only.includes(name as StoreName)) say(`  ${name}: as ${variable} says`)
  }
  starting = startStores({
    dataDir,
    only,
    log: (line) => say(`  ${line}`),
    ...(options.system ? { systemPackages: 'first' } : {}),
    revive: true,
  })
  const stores = await starting
  // The stores may have taken a while to download.
  if (!(await isPortFree(port))) port = await choosePort()
  const env: NodeJS.ProcessEnv = {
    NODE_ENV: 'development',
    ...(await loadDevelopmentSecrets(dataDir)),
    ...Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== '')),
    ...stores.env,
  }
  await writeStoresEnv(env)

  for (let attempt = 1; ; attempt++) {
    if (stopping) return
    const serverAt = performance.now()
    const url = `http://${urlHost()}:${port}`
    server = startServer({ ...env, PORT: String(port) })
    if (await waitUntilServing(server, url, keyIdOf(env), 90_000)) {
      say(`  ${'server'.padEnd(24)} ${urlHost()}:${port}  ${seconds(serverAt)}`)
      await announce(url, server.pid)
      break
    }
    if (stopping) return
    const exit = server.exit()
    if (attempt === 1 && exit && !process.env.PORT && !(await isPortFree(port))) {
      say(`  port ${port} was taken meanwhile; trying another`)
      port = await freePort()
      continue
    }
    return finish(1, exit ? explainExit(exit) : 'The server did not become ready in 90 s; its log is above.')
  }
  const exit = await server.exited
  if (!stopping) await finish(1, explainExit(exit))
}

function readOptions(): { help?: boolean; system?: boolean; json?: boolean } {
  try {
    const flag = { type: 'boolean' } as const
    return parseArgs({ options: { help: { ...flag, short: 'h' }, system: flag, json: flag } }).values
  } catch (err) {
    console.error(`${(err as Error).message}\n\n${help}`)
    return process.exit(1)
  }
}

async function choosePort(): Promise<number> {
  const given = process.env.PORT
  if (given) {
    const port = Number(given)
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new StoreError(`PORT is ${given}`, 'It must be a whole number up to 65535.')
    }
    if (port === 0) return freePort()
    if (await isPortFree(port)) return port
    throw new StoreError(
      `Port ${port} is taken by another program`,
      'Stop that, or choose another port: PORT=3001 npm start.',
    )
  }
  if (await isPortFree(portDefault)) return portDefault
  const port = await freePort()
  say(`Port ${portDefault} is taken by another program; using ${port}. Set PORT to choose one.`)
  return port
}

async function writeStoresEnv(env: NodeJS.ProcessEnv): Promise<void> {
  const names = [...urlVariables, ...objectVariables].filter((name) => env[name])
  const lines = names.map((name) => `${name}=${env[name]}\n`)
  // The URLs carry passwords.
  await writeFile(join(dataDir, 'stores.env'), lines.join(''), { mode: 0o600 })
}

async function announce(url: string, pid: number): Promise<void> {
  await writeFile(join(dataDir, 'server.json'), `${JSON.stringify({ url, pid, startPid: process.pid })}\n`)
  if (options.json) {
    const ready = { event: 'ready', url, docs: `${url}/docs`, console: `${url}/console`, pid }
    process.stdout.write(`${JSON.stringify(ready)}\n`)
  }
  say(`
Parley is ready after ${seconds(startedAt)}. Ctrl-C stops it.

  API      ${url}/api
  Docs     ${url}/docs
  Console  ${url}/console

Next, in another terminal:
  npm run demo
  curl -s ${url}/api/auth/register -H 'content-type: application/json' \\
    -d '{"phoneNumber":"+14155550123","fullName":"Ada"}'
  curl -s '${url}/dev/outbox?to=%2B14155550123'
`)
}

function onSignal(): void {
  if (!stopping) {
    say('Stopping')
    void finish(0)
    // One Ctrl-C may arrive twice, from the terminal and from npm.
  } else if (performance.now() - stopBeganAt > 700) {
    if (server) sendSignal(server.pid, 'SIGKILL')
    process.exit(130)
  }
}

function listenForSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  if (process.channel) {
    process.on('disconnect', onSignal)
    process.channel.unref()
  }
  process.on('exit', () => {
    if (lock && !lock.holder) lock.release()
  })
}

function finish(code: number, message?: string): Promise<void> {
  stopBeganAt ||= performance.now()
  stopping ??= (async () => {
    if (message) process.stderr.write(`${message}\n`)
    cancelCommands()
    await server?.stop(serverStopMs)
    const stores = await starting?.catch(() => null)
    await stores?.stop()
    await rm(join(dataDir, 'server.json'), { force: true })
    process.exit(code)
  })()
  return stopping
}

function explainExit({ code, signal }: ServerExit): string {
  if (code === 78) return 'The server cannot use its configuration; it names what is wrong above.'
  return `The server ended by itself (${signal ?? `code ${code}`}); the reason is in its last lines above.`
}

function explain(err: unknown): string {
  const { code, message, stack } = err as NodeJS.ErrnoException
  if (code === 'ENOSPC') return 'The disk is full. Free some space and start again.'
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return `${message}. Is .data owned by another user? Delete it, or run as that user.`
  }
  return stack ?? message
}

// Keys that cannot be read are for the server to complain about.
function keyIdOf(env: NodeJS.ProcessEnv): string {
  return /"kid"\s*:\s*"([^"]+)"/.exec(env.JWT_PRIVATE_KEYS ?? '')?.[1] ?? ''
}

function urlHost(): string {
  const host = process.env.HOST
  return !host || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`
}
