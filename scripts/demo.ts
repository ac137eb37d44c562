// npm run demo: two people meet on a running server, talk, one goes away and comes back, a third joins.
// Everything is checked on the way; it ends with 0 only if all of it held.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Chat, Frame, Marks, Message } from '../src/client/model.ts'
import { Replica } from '../src/client/replica.ts'
import { ParleyClient } from '../src/client/rest.ts'
import { signUp } from '../src/client/sign-up.ts'
import { ParleySocket } from '../src/client/socket.ts'

const HELP = `npm run demo -- [options]

Two people register, talk both ways, one goes away and comes back; at the end a group of three.
Prints the transcript with places, ticks, unread counts and latencies; ends with 0 only if all held.

  --json    one JSON document instead of the transcript
  --help    this text

The server is BASE_URL, else the one that npm start last started here, else http://127.0.0.1:3000.
It must run in development, where the codes can be read from its outbox.
`

const WAIT_MS = 10_000

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
})

const say = (line = ''): void => {
  if (!values.json) console.log(line)
}

type Check = { what: string; held: boolean; seen: unknown }
const checks: Check[] = []

function check(what: string, seen: unknown, expected: unknown): void {
  const held = JSON.stringify(seen) === JSON.stringify(expected)
  checks.push({ what, held, seen })
  if (!held) say(`  ✗ ${what}: expected ${JSON.stringify(expected)}, saw ${JSON.stringify(seen)}`)
}

/** A person with one device, and when each message arrived on it. */
class Person {
  readonly name: string
  readonly id: string
  readonly client: ParleyClient
  readonly store = new Replica()
  readonly arrivals = new Map<string, { message: Message; at: number }>()
  readonly frames: Frame[] = []
  socket: ParleySocket

  private constructor(name: string, id: string, client: ParleyClient) {
    this.name = name
    this.id = id
    this.client = client
    this.socket = this.#newSocket()
  }

  static async meet(baseUrl: string, name: string): Promise<Person> {
    const client = new ParleyClient({ baseUrl })
    const { user } = await signUp(client, name, { name: 'demo', platform: 'other' })
    const person = new Person(name, user.id, client)
    await person.connect()
    return person
  }

  async connect(): Promise<void> {
    this.socket = this.#newSocket()
    const isNew = this.store.cursor === null
    const ready = new Promise((resolve) => this.socket.once(isNew ? 'caught-up' : 'live', resolve))
    await Promise.all([this.socket.start(), ready])
  }

  async waitFor(event: string, matches: (data: Record<string, unknown>) => boolean): Promise<Frame> {
    const find = (): Frame | undefined =>
      this.frames.find((frame) => frame.event === event && matches(frame.data ?? {}))
    return await this.#waitUntil(`${this.name} gets ${event}`, find)
  }

  async arrivalOf(message: Message): Promise<number> {
    const what = `${this.name} gets “${message.content}”`
    return (await this.#waitUntil(what, () => this.arrivals.get(message.id))).at
  }

  #newSocket(): ParleySocket {
    const socket = new ParleySocket({ client: this.client, storage: this.store })
    socket.on('frame', (item) => {
      const frame = item as Frame
      this.frames.push(frame)
      const message = frame.data?.['message'] as Message | undefined
      if (frame.event === 'message:received' && message !== undefined && !this.arrivals.has(message.id)) {
        this.arrivals.set(message.id, { message, at: performance.now() })
      }
    })
    return socket
  }

  #waitUntil<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        this.socket.off('frame', look)
        clearTimeout(timer)
        resolve(found)
      }
      const timer = setTimeout(() => {
        this.socket.off('frame', look)
        reject(new Error(`${what}: not within ${WAIT_MS / 1000} s`))
      }, WAIT_MS)
      this.socket.on('frame', look)
      look()
    })
  }
}

type Said = { from: string; text: string; seq: number; ackMs: number; receiveMs: number[] }
const transcript: Said[] = []

async function talk(chatId: string, from: Person, to: Person[], text: string): Promise<Message> {
  const startedAt = performance.now()
  const message = await from.socket.send(chatId, { content: text })
  const ackMs = performance.now() - startedAt
  const receiveMs = await Promise.all(
    to.map(async (person) => Math.max(0, (await person.arrivalOf(message)) - startedAt)),
  )
  note({ from: from.name, text, seq: message.seq, ackMs, receiveMs })
  return message
}

function note(said: Said): void {
  transcript.push(said)
  const times =
    said.receiveMs.length === 0 ? 'away' : said.receiveMs.map((ms) => `${ms.toFixed(1)} ms`).join(', ')
  say(
    `  ${String(said.seq).padStart(3)}  ${said.from.padEnd(6)} ${said.text.padEnd(44)} ` +
      `accepted ${said.ackMs.toFixed(1)} ms, received ${times}`,
  )
}

const statusOf = async (person: Person, message: Message): Promise<string | null> =>
  (await person.client.get<Message>(`/api/chats/${message.chatId}/messages/${message.id}`)).status

const unreadOf = async (person: Person, chatId: string): Promise<number> =>
  (await person.client.get<Chat>(`/api/chats/${chatId}`)).unreadCount

async function talkBothWays(ada: Person, grace: Person): Promise<Chat> {
  say('Ada and Grace talk')
  const participantIds = [grace.id]
  const chat = await ada.client.post<Chat>('/api/chats', { type: 'direct', participantIds })
  const lines: [Person, Person, string][] = [
    [ada, grace, 'Hello Grace, does this thing work?'],
    [grace, ada, 'It does. I found no bug in it yet.'],
    [ada, grace, 'Look inside the relay, there may be one.'],
    [grace, ada, 'ça marche, 完璧です 🐞'],
  ]
  const messages: Message[] = []
  for (const [from, to, text] of lines) messages.push(await talk(chat.id, from, [to], text))
  check(
    'places without a gap',
    messages.map(({ seq }) => seq),
    [1, 2, 3, 4],
  )
  const received = [...grace.arrivals.values()].map(({ message }) => message.content)
  check('what was received is what was sent', received, [lines[0]?.[2], lines[2]?.[2]])
  await showTicks(ada, grace, chat, messages[2] as Message)
  return chat
}

async function showTicks(ada: Person, grace: Person, chat: Chat, message: Message): Promise<void> {
  await ada.waitFor('message:delivered', (data) => Number(data['upToSeq']) >= message.seq)
  const delivered = await statusOf(ada, message)
  check('delivered once the other device has stored it', delivered, 'delivered')
  const before = await unreadOf(grace, chat.id)
  check('unread before reading', before, 2)
  const marks = await grace.socket.request<Marks>('message:read', { chatId: chat.id, upTo: message.seq })
  await ada.waitFor('message:read', (data) => Number(data['upToSeq']) >= message.seq)
  const read = await statusOf(ada, message)
  check('read once it was read', read, 'read')
  check('unread after reading', marks.unreadCount, 0)
  say(
    `  ticks of ${message.seq}: sent ✓, ${delivered} ✓✓, ${read} ✓✓; Grace's unread ${before} → ${marks.unreadCount}`,
  )
}

async function goAndComeBack(ada: Person, grace: Person, chat: Chat): Promise<void> {
  say('\nGrace goes away; Ada goes on')
  await grace.socket.stop()
  const missed: Message[] = []
  for (const text of ['Are you there?', 'I shall write it down then.', 'Good night.']) {
    missed.push(await talk(chat.id, ada, [], text))
  }
  check('a message to somebody away is only sent', await statusOf(ada, missed[0] as Message), 'sent')
  const known = grace.arrivals.size
  const startedAt = performance.now()
  await grace.connect()
  await Promise.all(missed.map((message) => grace.arrivalOf(message)))
  const tookMs = performance.now() - startedAt
  const came = [...grace.arrivals.values()].slice(known).map(({ message }) => message.seq)
  check(
    'what was missed comes back once, in order',
    came,
    missed.map(({ seq }) => seq),
  )
  const unread = await unreadOf(grace, chat.id)
  check('unread after coming back', unread, 3)
  say(`Grace is back with her cursor: ${came.length} messages in ${tookMs.toFixed(1)} ms, unread ${unread}`)
}

async function group(baseUrl: string, ada: Person, grace: Person): Promise<Person> {
  say('\nA group of three')
  const linus = await Person.meet(baseUrl, 'Linus')
  const participantIds = [grace.id, linus.id]
  const body = { type: 'group', name: 'Three', participantIds }
  const chat = await ada.client.post<Chat>('/api/chats', body)
  check('a group starts with its system message', chat.lastSeq, 1)
  const seqs = [
    await talk(chat.id, ada, [grace, linus], 'Welcome, both.'),
    await talk(chat.id, grace, [ada, linus], 'Hello from the navy.'),
    await talk(chat.id, linus, [ada, grace], 'Hello from Helsinki.'),
  ].map(({ seq }) => seq)
  check('places in the group', seqs, [2, 3, 4])
  check('unread of the last who wrote', await unreadOf(linus, chat.id), 2)
  for (const person of [ada, grace, linus]) {
    check(`nothing odd at ${person.name}`, person.store.oddities(), [])
  }
  return linus
}

function findBaseUrl(): string {
  const given = process.env['BASE_URL']
  if (given !== undefined && given !== '') return given
  try {
    const path = fileURLToPath(new URL('../.data/server.json', import.meta.url))
    return (JSON.parse(readFileSync(path, 'utf8')) as { url: string }).url
  } catch {
    return 'http://127.0.0.1:3000'
  }
}

async function main(): Promise<void> {
  const baseUrl = findBaseUrl()
  const ready = await fetch(new URL('/readyz', baseUrl)).catch(() => null)
  if (ready?.ok !== true) {
    throw new Error(`no server is ready at ${baseUrl}: start one with npm start, or set BASE_URL`)
  }
  say(`Parley at ${baseUrl}\n`)
  const people: Person[] = []
  try {
    const [ada, grace] = await Promise.all([Person.meet(baseUrl, 'Ada'), Person.meet(baseUrl, 'Grace')])
    people.push(ada, grace)
    const chat = await talkBothWays(ada, grace)
    await goAndComeBack(ada, grace, chat)
    people.push(await group(baseUrl, ada, grace))
  } finally {
    await Promise.all(people.map((person) => person.socket.stop()))
  }
}

function finish(failure: string | null): void {
  const failed = checks.filter(({ held }) => !held).length
  const ok = failure === null && failed === 0 && checks.length > 0
  if (values.json) console.log(JSON.stringify({ ok, failure, checks, transcript }, null, 2))
  else if (failure !== null) console.error(`\nThe demo failed: ${failure}`)
  else say(`\n${checks.length - failed} of ${checks.length} checks held.`)
  process.exitCode = ok ? 0 : 1
}

if (values.help) console.log(HELP)
else {
  await main().then(
    () => finish(null),
    (err: unknown) => finish(err instanceof Error ? err.message : String(err)),
  )
}
