// What MongoDB and Redis take when nothing is in front of them: the ceilings below which a server stays.
import { Redis } from 'ioredis'
import { withBareMessages } from './bare-messages.ts'
import { newSeedChat, nextMessage } from '../growth/documents.ts'
import type { Progress } from '../progress.ts'

const DATABASE = 'stores_alone'
const BATCH = 200
const WRITERS = 2
const CHATS = 50
const STREAMS = 100
const STREAM_LENGTH = 1_000
const ENTRY_BYTES = 500

export type StoresAlone = {
  /** Documents a second, journaled majority, batches of 200, all indexes. */
  mongoDocumentsPerSecond: number
  /** Entries a second into bounded streams, pipelines of 200. */
  redisEntriesPerSecond: number
}

export async function measureStoresAlone(
  env: { MONGODB_URL: string; REDIS_URL: string },
  seconds: number,
  progress: Progress,
): Promise<StoresAlone> {
  progress.show('stores', `MongoDB alone, ${seconds} s`)
  const mongoDocumentsPerSecond = await mongoAlone(env.MONGODB_URL, seconds)
  progress.show('stores', `Redis alone, ${seconds} s`)
  const redisEntriesPerSecond = await redisAlone(env.REDIS_URL, seconds)
  progress.end()
  return { mongoDocumentsPerSecond, redisEntriesPerSecond }
}

async function mongoAlone(url: string, seconds: number): Promise<number> {
  return withBareMessages(url, DATABASE, async (messages) => {
    const chats = Array.from({ length: CHATS }, () => newSeedChat())
    return await rateOf(seconds, WRITERS, async (turn) => {
      const documents = Array.from({ length: BATCH }, (_, i) =>
        nextMessage(chats[(turn * BATCH + i) % CHATS] ?? newSeedChat(), new Date()),
      )
      await messages.insertMany(documents, { ordered: true })
      return BATCH
    })
  })
}

async function redisAlone(url: string, seconds: number): Promise<number> {
  const redis = new Redis(url)
  const entry = 'x'.repeat(ENTRY_BYTES)
  const keys = Array.from({ length: STREAMS }, (_, i) => `bench:alone:${i}`)
  try {
    return await rateOf(seconds, WRITERS, async (turn) => {
      const pipeline = redis.pipeline()
      for (let i = 0; i < BATCH; i += 1) {
        const key = keys[(turn * BATCH + i) % STREAMS] ?? ''
        pipeline.xadd(key, 'MAXLEN', '~', STREAM_LENGTH, '*', 'm', entry)
      }
      await pipeline.exec()
      return BATCH
    })
  } finally {
    await redis.del(keys)
    redis.disconnect()
  }
}

/** Runs so many of them side by side for so long; what they count, a second. */
async function rateOf(
  seconds: number,
  width: number,
  run: (turn: number) => Promise<number>,
): Promise<number> {
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1000
  let turn = 0
  let count = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (performance.now() < endAt) count += await run(turn++)
    }),
  )
  return count / ((performance.now() - startedAt) / 1000)
}
