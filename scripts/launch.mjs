// The first thing every command runs. It works on a clone that has no node_modules yet: it checks Node,
// installs what package-lock.json asks for, and hands over to the script itself.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const entries = {
  start: 'scripts/start.ts',
  test: 'scripts/test.ts',
  serve: 'src/main.ts',
  demo: 'scripts/demo.ts',
  bench: 'scripts/bench.ts',
  indexes: 'scripts/indexes.ts',
}
const say = (line) => process.stderr.write(`${line}\n`)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  say(`Parley needs Node 20.19 or newer and this is ${process.versions.node}. Install Node 22 and try again.`)
  process.exit(1)
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

// npm writes node_modules/.package-lock.json last, so an interrupted install has none or an old one.
// Versions are compared and not file times: a checkout changes the time of a lockfile that is the same.
function isInstalled(withDev) {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages
  const present = readJson(join(root, 'node_modules/.package-lock.json'))?.packages
  if (!present) return false
  if (!wanted) return true
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.optional || entry.devOptional || entry.peer || entry.link) return true
    if (entry.dev && !withDev) return true
    return present[path]?.version === entry.version && existsSync(join(root, path, 'package.json'))
  })
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return err.code === 'EPERM'
  }
}

function tryLock(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (err) {
    if (err.code !== 'EEXIST') throw err
  }
  const holder = Number(safeRead(path))
  if (holder && isAlive(holder)) return false
  // Renamed before it is removed: of two launches that find the same dead holder only one gets the file.
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return false
  }
  const moved = Number(safeRead(aside))
  if (moved && moved !== holder && isAlive(moved)) renameSync(aside, path)
  else rmSync(aside, { force: true })
  return false
}

function safeRead(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function countInstalled(paths) {
  return paths.filter((path) => existsSync(join(root, path, 'package.json'))).length
}

function npmCommand() {
  const cli = process.env.npm_execpath
  return cli && /npm-cli\.[cm]?js$/.test(cli) ? [process.execPath, [cli]] : ['npm', []]
}

async function runNpm(verb, withDev) {
  const [command, first] = npmCommand()
  const flags = [
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--loglevel=error',
    withDev ? '--include=dev' : '',
  ]
  const args = [...first, verb, ...flags.filter(Boolean)]
  const paths = Object.keys(readJson(join(root, 'package-lock.json'))?.packages ?? {}).filter(Boolean)
  const startedAt = Date.now()
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`
  say(`Installing ${paths.length} packages (npm ${verb})`)
  const timer = setInterval(
    () => say(`  ${countInstalled(paths)} of ${paths.length} packages, ${seconds()}`),
    5000,
  )
  let errors = ''
  const status = await new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr.on('data', (chunk) => (errors += chunk))
    const pass = (signal) => child.kill(signal)
    process.once('SIGINT', pass)
    process.once('SIGTERM', pass)
    child.on('error', (err) => {
      say(`npm could not be started: ${err.message}`)
      resolve({ code: 1, signal: null })
    })
    child.on('exit', (code, signal) => {
      process.off('SIGINT', pass)
      process.off('SIGTERM', pass)
      resolve({ code, signal })
    })
  })
  clearInterval(timer)
  if (status.code === 0) say(`  installed in ${seconds()}`)
  else say(errors.split('\n').slice(0, 6).join('\n'))
  return status
}

async function install(withDev) {
  for (const verb of ['ci', 'install']) {
    let interrupted = false
    const note = () => {
      interrupted = true
    }
    process.on('SIGINT', note).on('SIGTERM', note)
    const { code, signal } = await runNpm(verb, withDev)
    process.off('SIGINT', note).off('SIGTERM', note)
    if (interrupted || signal) return 130
    if (code === 0) return 0
    say(`npm ${verb} ended with code ${code}.`)
  }
  say('The packages could not be installed. Check the network and run `npm ci` to see the whole output.')
  return 1
}

async function ensureInstalled(withDev) {
  if (isInstalled(withDev)) return 0
  mkdirSync(join(root, '.data'), { recursive: true })
  const lock = join(root, '.data/install.lock')
  let waited = false
  while (!tryLock(lock)) {
    if (!waited) say('Another command is installing packages in this folder; waiting for it.')
    waited = true
    await pause(300)
  }
  try {
    return isInstalled(withDev) ? 0 : await install(withDev)
  } finally {
    rmSync(lock, { force: true })
  }
}

function loadDotEnv(verb) {
  // Tests must not depend on what a person keeps in .env.
  const path = join(root, '.env')
  if (verb !== 'test' && existsSync(path)) process.loadEnvFile(path)
}

function run(verb, args) {
  const imports = ['tsx']
  // `start` and `test` have stores to stop when this process is gone, so they listen for that themselves.
  if (verb !== 'start' && verb !== 'test') imports.push('./lifeline.mjs')
  if (verb === 'serve') imports.push('./development-defaults.ts')
  const preload = imports.flatMap((specifier) => ['--import', import.meta.resolve(specifier)])
  const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
  // The channel carries nothing: it closes when this process is gone, and that is what the child listens for.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc']
  const child = spawn(process.execPath, [...preload, entries[verb], ...args], { cwd: root, env, stdio })
  let lastSignalAt = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A Ctrl-C arrives twice, from the terminal and from npm: it is passed on once.
      if (Date.now() - lastSignalAt < 400) return
      lastSignalAt = Date.now()
      child.kill(signal)
    })
  }
  // npm killed with -9 cannot pass a signal on; a new parent is how that shows here.
  const parent = process.ppid
  if (process.env.npm_lifecycle_event) {
    setInterval(() => {
      if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
    }, 250).unref()
  }
  child.on('error', (err) => {
    say(`Node could not be started: ${err.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    process.kill(process.pid, signal)
    setTimeout(() => process.exit(1), 100)
  })
}

const [verb = '', ...args] = process.argv.slice(2)
if (!Object.hasOwn(entries, verb)) {
  say(`Usage: node scripts/launch.mjs <${Object.keys(entries).join('|')}> [arguments]`)
  process.exit(1)
}
requireNode()
const status = await ensureInstalled(verb === 'test')
if (status !== 0) process.exit(status)
if (!existsSync(join(root, entries[verb]))) {
  say(`${entries[verb]} is not there, so \`${verb}\` cannot run. Is the checkout complete?`)
  process.exit(1)
}
loadDotEnv(verb)
run(verb, args)
