// How long a page of history takes through the API: the newest one of a chat, and one from its beginning.
import { MongoClient } from 'mongodb'
import type { Chat, Message } from '../../../src/client/model.ts'
import type { ParleyClient } from '../../../src/client/rest.ts'
import { quantiles, type Quantiles } from '../load/tracker.ts'
import type { Person } from '../plan.ts'
import type { Progress } from '../progress.ts'
import { clientOf } from '../stage/people.ts'
import type { Stage } from '../stage/stage.ts'
import { headOf, newSeedChat, nextMessage } from './documents.ts'

const MESSAGES = 5_000
const BATCH = 1_000
const PAGE = 50
const DEEP = 200
const PAGES = 300
const WARM_UP = 50
const DAY_MS = 24 * 3600 * 1000

/** In a chat of its own between two people, as long at every size, so that only what lies around it grows. */
export async function measurePages(
  stage: Stage,
  progress: Progress,
): Promise<{ newestPageMs: Quantiles; deepPageMs: Quantiles }> {
  const people = await stage.cast.people(3)
  const [first, , second] = people as [Person, Person, Person]
  const client = clientOf(stage.first.url, first)
  // The first person's pair in the load is somebody else, so this chat gets no messages meanwhile.
  const { id } = await client.post<Chat>('/api/chats', { type: 'direct', participantIds: [second.id] })
  await fill(stage, [first.id, second.id])
  const newestPageMs = await timePages(client, `/api/chats/${id}/messages?limit=${PAGE}`, MESSAGES)
  const deepPageMs = await timePages(
    client,
    `/api/chats/${id}/messages?limit=${PAGE}&before=${DEEP}`,
    DEEP - 1,
  )
  progress.end()
  progress.say(
    `  history pages: newest ${newestPageMs.p50.toFixed(1)} ms, deep ${deepPageMs.p50.toFixed(1)} ms`,
  )
  return { newestPageMs, deepPageMs }
}

async function fill(stage: Stage, people: [string, string]): Promise<void> {
  const client = new MongoClient(stage.env.MONGODB_URL, { ignoreUndefined: true })
  const db = client.db()
  try {
    const directKey = people.toSorted().join(':')
    const stored = await db.collection('chats').findOne({ directKey })
    if (stored === null) throw new Error('the chat for the history pages was not stored')
    const chat = { ...newSeedChat(people), id: stored._id }
    const from = Date.now() - 2 * DAY_MS
    for (let made = 0; made < MESSAGES; made += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, i) =>
        nextMessage(chat, new Date(from + (made + i) * 1000)),
      )
      await db.collection('messages').insertMany(batch)
    }
    await db.collection('chats').updateOne({ _id: chat.id }, { $set: headOf(chat) })
  } finally {
    await client.close()
  }
}

async function timePages(client: ParleyClient, path: string, lastSeq: number): Promise<Quantiles> {
  const times: number[] = []
  for (let i = 0; i < WARM_UP + PAGES; i += 1) {
    const at = performance.now()
    const page = await client.get<Message[]>(path)
    if (i >= WARM_UP) times.push(performance.now() - at)
    if (page.length !== PAGE || page.at(-1)?.seq !== lastSeq)
      throw new Error(`a page of history is not whole: ${path}`)
  }
  const found = quantiles(times)
  if (found === null) throw new Error('no page was measured')
  return found
}
