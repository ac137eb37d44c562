// Fills MongoDB with stored messages, fast: one member's word, no index but the one on _id, and all the declared
// indexes built behind the load in one pass. With them present from the start the load takes several times as long.
import { MongoClient, type Db } from 'mongodb'
import { DECLARED_INDEXES } from '../../../mongo-indexes/index.ts'
import type { Progress } from '../progress.ts'
import { chatDocument, memberDocuments, newSeedChat, nextMessage, type SeedChat } from './documents.ts'

/** Chats that talk at the same time, and what each of them says. */
const CHATS_AT_ONCE = 1_000
const MESSAGES_PER_CHAT = 1_000
const BATCH = 2_000
const CONNECTIONS = 2
const YEAR_MS = 365 * 24 * 3600 * 1000
/** Below this many the indexes stay: dropping and building them would take longer. */
const BULK_MIN = 100_000
const INDEX_MEMORY_MB = 1_500

export type SeedResult = { messages: number; loadSeconds: number; indexSeconds: number }

/** Adds messages until the collection holds `size` of them. The server must not be running: indexes are away for a while. */
export async function seedMessages(url: string, size: number, progress: Progress): Promise<SeedResult> {
  const client = new MongoClient(url, {
    maxPoolSize: CONNECTIONS + 1,
    writeConcern: { w: 1, journal: false },
    ignoreUndefined: true,
  })
  try {
    const db = client.db()
    const present = await db.collection('messages').estimatedDocumentCount()
    const missing = Math.max(0, size - present)
    const startedAt = performance.now()
    const isBulk = missing >= BULK_MIN
    if (isBulk) await db.collection('messages').dropIndexes()
    await load(db, missing, progress)
    const loadedAt = performance.now()
    if (isBulk) await buildIndexes(client, db, progress)
    // The measuring starts on a settled store, not in the middle of a checkpoint.
    await db.admin().command({ fsync: 1 })
    return {
      messages: missing,
      loadSeconds: (loadedAt - startedAt) / 1000,
      indexSeconds: (performance.now() - loadedAt) / 1000,
    }
  } finally {
    await client.close()
  }
}

async function load(db: Db, missing: number, progress: Progress): Promise<void> {
  const bar = progress.bar('messages', missing)
  const from = Date.now() - YEAR_MS
  let chats: SeedChat[] = []
  let made = 0
  // The documents are made in one order; two connections only take turns in sending them.
  const nextBatch = (): { messages: ReturnType<typeof nextMessage>[]; begun: SeedChat[] } => {
    const messages = []
    const begun: SeedChat[] = []
    for (; messages.length < BATCH && made < missing; made += 1) {
      if (made % (CHATS_AT_ONCE * MESSAGES_PER_CHAT) === 0) {
        const left = Math.ceil((missing - made) / MESSAGES_PER_CHAT)
        chats = Array.from({ length: Math.min(CHATS_AT_ONCE, left) }, () => newSeedChat())
        begun.push(...chats)
      }
      const at = new Date(from + Math.floor((made / missing) * (YEAR_MS - 24 * 3600 * 1000)))
      messages.push(nextMessage(chats[made % chats.length] as SeedChat, at))
    }
    return { messages, begun }
  }
  const all: SeedChat[] = []
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (let batch = nextBatch(); batch.messages.length > 0; batch = nextBatch()) {
        all.push(...batch.begun)
        await db.collection('messages').insertMany(batch.messages, { ordered: false })
        bar.add(batch.messages.length)
      }
    }),
  )
  for (let at = 0; at < all.length; at += BATCH) {
    const some = all.slice(at, at + BATCH)
    await db.collection('chats').insertMany(some.map(chatDocument), { ordered: false })
    await db.collection('members').insertMany(some.flatMap(memberDocuments), { ordered: false })
  }
  bar.done()
}

async function buildIndexes(client: MongoClient, db: Db, progress: Progress): Promise<void> {
  const admin = client.db('admin')
  await admin.command({ setParameter: 1, maxIndexBuildMemoryUsageMegabytes: INDEX_MEMORY_MB })
  const declared = DECLARED_INDEXES.find(({ collection }) => collection === 'messages')?.indexes ?? []
  const bar = progress.bar(`${declared.length} indexes`, 100)
  // All in one command: the collection is read once for all of them.
  const building = db
    .collection('messages')
    .createIndexes(declared.map(({ name, key, options }) => ({ name, key, ...options })))
  const watch = setInterval(() => {
    void buildShare(client).then((share) => share !== null && bar.set(share * 100))
  }, 2_000)
  try {
    await building
  } finally {
    clearInterval(watch)
  }
  bar.done()
}

/** What the server itself says of its progress: documents read, then keys put into the indexes. */
async function buildShare(client: MongoClient): Promise<number | null> {
  const operations = await client
    .db('admin')
    .aggregate([{ $currentOp: { allUsers: true } }, { $match: { 'progress.total': { $gt: 0 } } }])
    .toArray()
    .catch(() => [])
  const progress = operations[0]?.['progress'] as { done: number; total: number } | undefined
  const message = String(operations[0]?.['msg'] ?? '')
  if (progress === undefined) return null
  const share = Math.min(1, progress.done / progress.total)
  return message.includes('scanning collection') ? share / 2 : 0.5 + share / 2
}
