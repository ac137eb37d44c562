// docs/limits.md and the README's table of variables, written from the code.
import { environmentReference } from '../../src/config.ts'
import { ACCESS_TOKEN_SECONDS } from '../../src/features/accounts/access-tokens.ts'
import { CODE_RULES } from '../../src/features/accounts/codes.ts'
import { FORGOTTEN_SECONDS, REMEMBERED_SECONDS } from '../../src/features/accounts/sign-in.ts'
import { LIMITS } from '../../src/lib/limits.ts'
import { RATE_LIMITS } from '../../src/stores/rate-limits.ts'

/** A limit without a sentence is listed by its name. */
const SENTENCES: Partial<Record<keyof typeof LIMITS, string>> = {
  jsonBodyBytes: 'JSON body of a request; beyond it 413',
  frameBytes: 'frame of a socket; beyond it close 1009',
  jsonDepth: 'levels of nesting in JSON',
  headerBytes: 'headers of a request',
  headersTimeoutMs: 'until the headers of a request are there',
  requestTimeoutMs: 'until a whole request is there',
  socketAuthMs: 'until a new socket has signed in; after it close 4401',
  socketsSigningInMax: 'sockets of a node that have not signed in; beyond it 503 with `Retry-After`',
  signInsAtOnce: 'sign-ins of sockets that a node works on at once; the others wait their turn',
  signInWaitMs: 'a sign-in waits for its turn; beyond it close 1012 with `retry=<ms>`',
  framesAtOnce: 'frames of one socket that are worked on at once; the others wait',
  socketBufferBytes: 'waiting for a slow reader; beyond it close 4408',
  framesPerSecond: 'frames a second from one socket, over `frameRateSeconds`; beyond it close 4429',
  frameRateSeconds: 'the span over which frames are counted',
  socketPingMs: 'between two pings; a socket that missed one is ended',
  shutdownMs: 'from SIGTERM to the end of the process, at most',
  storeTimeoutMs: 'any call to a store; beyond it a retryable refusal',
  answerMs: 'from a read, a send or a change of a message to its answer; beyond it a retryable refusal',
  pageDefault: 'entries of a page of chats, participants and other lists',
  pageMax: 'the same, at most',
  messagePageDefault: 'messages of a page',
  messagePageMax: 'the same, at most',
  messageCharacters: 'characters (Unicode code points) of a message',
  previewCharacters: 'characters of a quote or of the last message in a list',
  editsPerMessage: 'edits of one message',
  emojiBytes: 'a reaction',
  emojiPerMessage: 'different emoji on one message',
  syncPageMax: 'events of one page of `GET /api/sync`',
  presenceSubscriptions: 'people whose presence one socket follows',
  presenceSeconds: 'presence is believed without being renewed',
  typingMs: 'typing is shown without being repeated',
  pinnedChats: 'pinned chats of one user',
}

const RATE_SENTENCES: Partial<Record<keyof typeof RATE_LIMITS, string>> = {
  general: 'requests of one address',
  messages: 'messages of one user, by REST and sockets together',
  uploads: 'upload tickets of one user',
}

type Row = [what: string, value: string, name: string]

/** The whole of docs/limits.md. `attempts` is the source of the failed sign-ins, whose numbers nobody else needs. */
export function limitsPage(attempts: string): string {
  const configured = environmentReference().filter(({ name }) => /_(MAX|SECONDS)$/.test(name))
  const failures = `${numberIn(attempts, 'FAILURES_MAX')} in ${span(numberIn(attempts, 'WINDOW_SECONDS'))}`
  return `# Limits

Written from the code by \`npx tsx scripts/check-docs.ts --write\`; \`npm test\` fails where it is out of step.

## Set by the environment

${table(configured.map(({ name, description, default: value }) => [description, valueOf(name, Number(value)), name]))}

## Rates

Counted in Redis, over all nodes; while Redis is away each node counts for itself. Beyond one: 429
\`RATE_LIMIT_EXCEEDED\` with \`Retry-After\`. Every answer that counts carries \`RateLimit\` and \`RateLimit-Policy\`.
\`RATE_LIMITS=off\` lifts these, the failed sign-ins, the codes in an hour and the frames a second; the tries of a code
always hold. In \`src/stores/rate-limits.ts\`.

${table(Object.entries(RATE_LIMITS).map(([group, { uses, windowSeconds }]) => [RATE_SENTENCES[group as keyof typeof RATE_LIMITS] ?? group, `${grouped(uses)} in ${span(windowSeconds)}`, group]))}

## Signing in

Counted in PostgreSQL, so that losing Redis gives nobody more tries.

${table([
  [
    'failed sign-ins by password, per account and per address',
    failures,
    'src/features/accounts/store/attempts.ts',
  ],
  ['wrong tries of one code', grouped(CODE_RULES.triesMax), 'src/features/accounts/codes.ts'],
  ['codes for one phone number in an hour', grouped(CODE_RULES.perHourMax), 'src/features/accounts/codes.ts'],
  ['a code is good for', span(CODE_RULES.lifetimeSeconds), 'src/features/accounts/codes.ts'],
  ['an access token is good for', span(ACCESS_TOKEN_SECONDS), 'src/features/accounts/access-tokens.ts'],
  ['a refresh token, with `rememberMe`', span(REMEMBERED_SECONDS), 'src/features/accounts/sign-in.ts'],
  ['a refresh token, without it', span(FORGOTTEN_SECONDS), 'src/features/accounts/sign-in.ts'],
])}

## Sizes and times

In \`src/lib/limits.ts\`.

${table(Object.entries(LIMITS).map(([name, value]) => [SENTENCES[name as keyof typeof LIMITS] ?? inWords(name), valueOf(name, value), name]))}
`
}

/** What .env.example says, as the README's table. */
export function variablesTable(): string {
  const rows = environmentReference().map(({ name, default: value, required, description }) => {
    const fallback = required ? 'required' : value ? `\`${value}\`` : ''
    return `| \`${name}\` | ${description} | ${fallback} |`
  })
  return ['| variable | what it is | default |', '| - | - | - |', ...rows].join('\n')
}

const table = (rows: Row[]): string =>
  [
    '| what | limit | where |',
    '| - | - | - |',
    ...rows.map(([what, value, name]) => `| ${what} | ${value} | \`${name}\` |`),
  ].join('\n')

/** Units are the last word of a name. */
function valueOf(name: string, value: number): string {
  if (/bytes$/i.test(name)) return bytes(value)
  if (name.endsWith('Ms')) return span(value / 1000)
  if (/seconds$/i.test(name)) return span(value)
  return grouped(value)
}

function span(seconds: number): string {
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const)
    if (seconds >= 2 * length && seconds % length === 0) return `${seconds / length} ${unit}`
  return `${seconds} s`
}

function bytes(value: number): string {
  if (value >= 2 ** 20 && value % 2 ** 20 === 0) return `${value / 2 ** 20} MiB`
  return value >= 1024 && value % 1024 === 0 ? `${value / 1024} KiB` : `${value} bytes`
}

const grouped = (value: number) => value.toLocaleString('en-US')
const inWords = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)

/** The number of a constant in a source; products are worked out. */
function numberIn(source: string, name: string): number {
  const product = new RegExp(String.raw`const ${name} = ([\d_ *]+)$`, 'm').exec(source)?.[1]
  if (product === undefined)
    throw new Error(`no constant ${name} is found any more; see scripts/docs/limits-page.ts`)
  return product.split('*').reduce((all, factor) => all * Number(factor.trim().replaceAll('_', '')), 1)
}
