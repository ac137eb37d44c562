/** The ladder: who may import whom. A check that checks nothing is green, so this one also finds planted mistakes. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

/** From the bottom up. A rung imports from its own folder and from rungs below it. */
const LADDER: string[][] = [
  ['lib', 'config'],
  ['wire'],
  ['stores'],
  ['delivery'],
  ['chat-log'],
  ['context'],
  ['features'],
  ['console', 'docs'],
  ['http', 'gateway'],
  ['background', 'open-context', 'main'],
]
/** Its users speak to the server from outside: it imports nothing of it, and nothing of it imports the client. */
const ALONE = 'client'
const DRIVERS = /^(mongodb|drizzle-orm|postgres|ioredis|@aws-sdk)(\/|$)/
const DOORS_SEE = new Set(['index.ts', 'routes.ts', 'frames.ts', 'events.ts'])

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

/** Paths are relative to src; packages keep their name. */
function importsOf(path: string, text: string): Import[] {
  const found: Import[] = []
  const pattern = /^(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gms
  for (const [, type, specifier = ''] of text.matchAll(pattern)) {
    const to = specifier.startsWith('.') ? relative(SRC, resolve(SRC, dirname(path), specifier)) : specifier
    found.push({ from: path, to, typeOnly: type !== undefined })
  }
  return found
}

const roomOf = (path: string) => path.split('/')[0]?.replace(/\.ts$/, '') ?? ''
const rungOf = (path: string) => LADDER.findIndex((rung) => rung.includes(roomOf(path)))
const featureOf = (path: string) => (path.startsWith('features/') ? path.split('/')[1] : undefined)
const fileOf = (path: string) => path.split('/').at(-1) ?? ''

/** The sentence that says what is wrong with an import, or null. */
function objection({ from, to, typeOnly }: Import): string | null {
  if (to.startsWith('../mongo-indexes/')) return null
  if (!to.endsWith('.ts')) return driverObjection(from, to)
  if ((roomOf(from) === ALONE) !== (roomOf(to) === ALONE))
    return `${from}: the client and the server share nothing (${to})`
  if (roomOf(from) === ALONE) return null
  if (rungOf(to) === -1) return `${from}: ${to} is on no rung`
  // The context names what it holds; the types of these two live with the features that own them.
  if (roomOf(from) === 'context' && typeOnly) return null
  if (rungOf(to) > rungOf(from)) return `${from} imports upwards: ${to}`
  if (rungOf(to) === rungOf(from) && roomOf(to) !== roomOf(from) && rungOf(from) < LADDER.length - 1)
    return roomOf(to) === 'config' || (roomOf(from) === 'docs' && roomOf(to) === 'console')
      ? null
      : `${from} imports sideways: ${to}`
  return featureObjection(from, to)
}

function featureObjection(from: string, to: string): string | null {
  const [mine, theirs] = [featureOf(from), featureOf(to)]
  if (theirs === undefined || mine === theirs) return null
  if (mine !== undefined) {
    const foreignKey = fileOf(from) === 'tables.ts' && fileOf(to) === 'tables.ts'
    return fileOf(to) === 'index.ts' || foreignKey ? null : `${from} enters ${theirs} past its door: ${to}`
  }
  return DOORS_SEE.has(fileOf(to)) ? null : `${from} looks into ${theirs}: ${to}`
}

/** Drivers are spoken where data are kept: in stores, in delivery and the log, and in features. */
function driverObjection(from: string, to: string): string | null {
  if (!DRIVERS.test(to)) return null
  return ['stores', 'delivery', 'chat-log', 'features'].includes(roomOf(from))
    ? null
    : `${from} speaks to a driver: ${to}`
}

function sources(folder = SRC): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return sources(path)
    return name.endsWith('.ts') && !name.endsWith('.test.ts') ? [relative(SRC, path)] : []
  })
}

const imports = sources().flatMap((path) => importsOf(path, readFileSync(join(SRC, path), 'utf8')))

describe('the house', () => {
  test('is read whole', () => {
    expect(sources().length).toBeGreaterThan(100)
    expect(imports.length).toBeGreaterThan(400)
  })

  test('every import goes down the ladder, and into a feature by its door', () => {
    expect(imports.map(objection).filter((sentence) => sentence !== null)).toEqual([])
  })

  test('features form no cycle', () => {
    const edges = new Map<string, Set<string>>()
    for (const { from, to } of imports) {
      const [mine, theirs] = [featureOf(from), featureOf(to)]
      if (mine === undefined || theirs === undefined || mine === theirs) continue
      edges.set(mine, (edges.get(mine) ?? new Set()).add(theirs))
    }
    expect(cycleIn(edges)).toBeNull()
  })

  test('no file has more than 300 lines of code', () => {
    const long = sources().filter((path) => {
      const lines = readFileSync(join(SRC, path), 'utf8').split('\n')
      return lines.filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/?\*)/.test(line)).length > 300
    })
    expect(long).toEqual([])
  })
})

describe('the check itself finds', () => {
  const planted: Array<[string, string, string]> = [
    ['an upward import', 'lib/x.ts', "import { a } from '../stores/redis.ts'"],
    ['a feature that imports a door', 'features/chats/x.ts', "import { a } from '../../http/app.ts'"],
    ['a feature entered past its door', 'features/chats/x.ts', "import { a } from '../messages/store.ts'"],
    ['a door that looks into a feature', 'gateway/x.ts', "import { a } from '../features/chats/create.ts'"],
    ['a driver in a door', 'http/x.ts', "import { MongoClient } from 'mongodb'"],
    ['an import of several lines', 'wire/x.ts', "import {\n  a,\n  b,\n} from '../delivery/index.ts'"],
    ['a re-export', 'lib/x.ts', "export { a } from '../wire/fields.ts'"],
    ['the client in the server', 'http/x.ts', "import { ParleyClient } from '../client/rest.ts'"],
    ['one door in the other', 'http/x.ts', "import { Gateway } from '../gateway/server.ts'"],
  ]
  test.each(planted)('%s', (_what, path, text) => {
    expect(importsOf(path, text).map(objection)).toEqual([expect.any(String)])
  })

  test('a cycle', () => {
    expect(
      cycleIn(
        new Map([
          ['a', new Set(['b'])],
          ['b', new Set(['c'])],
          ['c', new Set(['a'])],
        ]),
      ),
    ).not.toBeNull()
  })
})

function cycleIn(edges: Map<string, Set<string>>): string[] | null {
  const visit = (node: string, path: string[]): string[] | null => {
    if (path.includes(node)) return [...path, node]
    for (const next of edges.get(node) ?? []) {
      const cycle = visit(next, [...path, node])
      if (cycle) return cycle
    }
    return null
  }
  for (const node of edges.keys()) {
    const cycle = visit(node, [])
    if (cycle) return cycle
  }
  return null
}
