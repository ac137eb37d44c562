// The first thing every command runs. It works on a clone that has no node_modules yet: it checks Node,
// installs what package-lock.json asks for, and hands over to the script itself.
import { spawn, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
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
  torture: 'scripts/torture.ts',
}
const lock = join(root, '.data/install.lock')
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
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

// A pid with the moment at which its process started, so that a pid that was given away again is not mistaken.
function markOf(pid) {
  const stat = safeRead(`/proc/${pid}/stat`)
  if (stat) return `${pid}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`
  if (process.platform === 'linux') return null
  const { stdout } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout?.trim() ? `${pid}:${stdout.trim().replaceAll(' ', '_')}` : null
}

// The lock names us and npm: an npm whose launcher was killed goes on, and two of them spoil the folder.
function isHeld(marks) {
  return marks.some((mark) => mark === markOf(Number.parseInt(mark, 10)))
}

function tryLock(path) {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${markOf(process.pid)}\n`)
  try {
    // A link appears whole or not at all, so nobody reads half a lock.
    linkSync(draft, path)
    return true
  } catch (err) {
    if (err.code !== 'EEXIST') throw err
  } finally {
    rmSync(draft, { force: true })
  }
  const text = safeRead(path)
  if (isHeld(text.split('\n').filter(Boolean))) return false
  // Renamed before it is removed: of two launches that find the same dead holder only one gets the file.
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return false
  }
  if (safeRead(aside) !== text) renameSync(aside, path)
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

// npm killed with -9 cannot pass a signal on; a new parent is how that shows here.
function watchParent(onGone) {
  const parent = process.ppid
  const check = () => process.ppid !== parent && onGone()
  return process.env.npm_lifecycle_event ? setInterval(check, 250).unref() : undefined
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
    const npmMark = markOf(child.pid)
    if (npmMark) appendFileSync(lock, `${npmMark}\n`)
    // Killed and not asked: asked, npm takes long to tidy up what the next install tidies up anyway.
    const stop = () => child.kill('SIGKILL')
    for (const signal of signals) process.on(signal, stop)
    const watch = watchParent(stop)
    child.on('error', (err) => {
      say(`npm could not be started: ${err.message}`)
      resolve({ code: 1, signal: null })
    })
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, stop)
      clearInterval(watch)
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
    const { code, signal } = await runNpm(verb, withDev)
    if (signal) return 130
    if (code === 0) return 0
    say(`npm ${verb} ended with code ${code}.`)
  }
  say('The packages could not be installed. Check the network and run `npm ci` to see the whole output.')
  return 1
}

async function ensureInstalled(withDev) {
  if (isInstalled(withDev)) return 0
  mkdirSync(join(root, '.data'), { recursive: true })
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
  for (const signal of signals) {
    process.on(signal, () => {
      // A Ctrl-C arrives twice, from the terminal and from npm: it is passed on once.
      if (Date.now() - lastSignalAt < 400) return
      lastSignalAt = Date.now()
      child.kill(signal)
    })
  }
  watchParent(() => process.kill(process.pid, 'SIGKILL'))
  child.on('error', (err) => {
    say(`Node could not be started: ${err.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
    setTimeout(() => process.exit(1), 100)
  })
}

const [verb = '', ...args] = process.argv.slice(2)
if (!Object.hasOwn(entries, verb)) {
  say(`Usage: node scripts/launch.mjs <${Object.keys(entries).join('|')}> [arguments]`)
  process.exit(1)
}
// Whoever read our output may be gone; that is no reason to leave an install half done.
process.stderr.on('error', () => {})
requireNode()
const status = await ensureInstalled(verb === 'test')
if (status !== 0) process.exit(status)
if (!existsSync(join(root, entries[verb]))) {
  say(`${entries[verb]} is not there, so \`${verb}\` cannot run. Is the checkout complete?`)
  process.exit(1)
}
loadDotEnv(verb)
run(verb, args)
