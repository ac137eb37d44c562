// Finds what a document names and the house does not have.
import { dirname, join } from 'node:path'
import type { House } from './house.ts'

export type Lie = { file: string; line: number; what: string }

/** Under this heading paths of the API and npm scripts are named because they are missing. */
export const NOT_YET = 'What is not there yet'

const MEDIA_TYPE = /^(application|text|image|audio|video)\//
const EVENT =
  /^(auth|message|chat|user|sync|call|presence|session|system|poll|status|media|device):[a-z_]+(:[a-z_]+)?$/
const EXTENSION = /\.(ts|mjs|js|json|md|yml|sql|lua|sh|css|html|txt)$/

/** Every lie of one document, in the order of its lines. `file` is its path from the root. */
export function findLies(file: string, text: string, house: House): Lie[] {
  const lies: Lie[] = []
  let isFence = false
  let heading = ''
  text.split('\n').forEach((content, index) => {
    if (/^\s*```/.test(content)) {
      isFence = !isFence
      return
    }
    if (!isFence && content.startsWith('#')) heading = content.replace(/^#+\s*/, '').trim()
    const spans = [...content.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span)
    const code = isFence ? [content] : spans
    const found = [
      ...npmLies(content, heading === NOT_YET, house),
      ...code.flatMap((piece) => [
        ...pathLies(piece, isFence, house),
        ...variableLies(piece, house),
        ...nameLies(piece, house),
      ]),
      ...apiLies(content, heading === NOT_YET, house),
      ...(isFence ? [] : linkLies(file, text, content, house)),
    ]
    for (const what of new Set(found)) lies.push({ file, line: index + 1, what })
  })
  return lies
}

function npmLies(content: string, areMissing: boolean, { npmScripts }: House): string[] {
  return [...content.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
    .map(([, run, short]) => run ?? short ?? '')
    .filter((name) => npmScripts.has(name) === areMissing)
    .map((name) => (areMissing ? `npm run ${name} is there by now` : `there is no npm script "${name}"`))
}

/** In a fence only what begins with a folder of the root is taken for a path: the rest may be output. */
function pathLies(piece: string, isFence: boolean, house: House): string[] {
  return piece
    .split(/[\s,;()|"'=]+/)
    .map((token) => token.replace(/^\.\//, '').replace(/[.:]$/, ''))
    .filter((token) => /^[\w.@*<>-]+(\/[\w.@*<>-]*)*$/.test(token) && !MEDIA_TYPE.test(token))
    .filter((token) => (token.includes('/') ? !isFence || isBelowRoot(token, house) : EXTENSION.test(token)))
    .filter((token) => !pathExists(token, house))
    .map((token) => `there is no file or folder ${token}`)
}

const isBelowRoot = (token: string, { paths }: House) => {
  const first = token.slice(0, token.indexOf('/'))
  return first === '.data' || paths.has(first)
}

/** `*` and `<name>` stand for anything within one folder; a bare file name may be anywhere. */
function pathExists(token: string, { paths, scriptText }: House): boolean {
  const path = token.replace(/\/$/, '')
  if (path === '.data') return true
  if (path.startsWith('.data/'))
    return scriptText.includes(path.slice('.data/'.length).replace(/[*<].*$/, ''))
  if (paths.has(path)) return true
  const pattern = path
    .split(/\*|<\w+>/)
    .map((part) => part.replaceAll(/[.@]/g, String.raw`\$&`))
    .join('[^/]*')
  const whole = new RegExp(path.includes('/') ? `^${pattern}$` : `(^|/)${pattern}$`)
  return [...paths].some((candidate) => whole.test(candidate))
}

function variableLies(piece: string, { variables, codes }: House): string[] {
  const names = [
    ...piece.matchAll(/(?<![\w$])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?![\w(])/g),
    ...piece.matchAll(/(?:^|\s)([A-Z][A-Z0-9_]+)=/g),
  ].map(([, name = '']) => name)
  return names
    .filter((name) => !variables.has(name) && !codes.has(name))
    .map((name) => `nothing reads the environment variable ${name}`)
}

function nameLies(piece: string, { events, metrics }: House): string[] {
  return piece.split(/[\s,"'{}]+/).flatMap((token) => {
    if (EVENT.test(token) && !events.has(token)) return [`the socket knows no event ${token}`]
    if (/^parley_\w+$/.test(token) && !metrics.has(token)) return [`there is no metric ${token}`]
    return []
  })
}

const API_PATH = new RegExp(
  // A method, the path, and the slash at its end that makes it a whole branch.
  String.raw`(?:\b(GET|POST|PUT|PATCH|DELETE) )?(?<=[\s\`"'(|]|\$url|:\d{2,5}|^)(/[\w.-]+(?:/[\w{}$.<>-]+)*)(/?)`,
  'g',
)

function apiLies(content: string, areMissing: boolean, house: House): string[] {
  return [...content.matchAll(API_PATH)].flatMap(([, method, given = '', slash]) => {
    const path = given.replace(/[.]$/, '')
    if (!isOurs(path, house)) return []
    const isThere = slash === '/' ? hasBranch(path, house) : hasPath(path, method, house)
    const name = `${method === undefined ? '' : `${method} `}${path}${slash}`
    if (isThere === areMissing) return [areMissing ? `${name} is there by now` : `the API has no ${name}`]
    return []
  })
}

function hasPath(path: string, method: string | undefined, { routes, servicePaths }: House): boolean {
  const found = routes.filter((route) => matches(route.path, path))
  if (found.length === 0) return servicePaths.includes(path)
  return method === undefined || found.some((route) => route.method === method)
}

const hasBranch = (path: string, { routes, servicePaths }: House) =>
  [...routes.map((route) => route.path), ...servicePaths].some((known) => known.startsWith(`${path}/`))

/** Whether a path is meant to be one of the server: it begins as one of them, or ends like a probe's. */
function isOurs(path: string, { routes, servicePaths }: House): boolean {
  const top = path.split('/')[1]
  const known = [...routes.map((route) => route.path), ...servicePaths]
  return /^\/[a-z]+z$/.test(path) || known.some((one) => one.split('/')[1] === top)
}

/** A variable part of one stands for a variable part of the other, `$chat` or `{chatId}`, or for a made-up id. */
function matches(template: string, given: string): boolean {
  const [expected, parts] = [template.split('/'), given.split('/')]
  return (
    expected.length === parts.length &&
    expected.every((part, index) => {
      const have = parts[index] ?? ''
      return part.startsWith('{') ? /^([{$<]|chat_|msg_|[0-9a-f]{8}-)/.test(have) : part === have
    })
  )
}

function linkLies(file: string, text: string, content: string, { paths }: House): string[] {
  return [...content.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
    if (/^[a-z]+:/.test(target)) return []
    const [path = '', anchor] = target.split('#')
    if (path === '') return anchorsOf(text).has(anchor ?? '') ? [] : [`there is no heading #${anchor}`]
    const whole = join(dirname(file), path).replace(/\/$/, '')
    return paths.has(whole) ? [] : [`there is no file or folder ${whole}`]
  })
}

/** As GitHub makes them from headings. */
function anchorsOf(text: string): Set<string> {
  const headings = text.split('\n').filter((line) => line.startsWith('#'))
  return new Set(
    headings.map((line) =>
      line
        .replace(/^#+\s*/, '')
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  )
}
