/** Builds the declared indexes that are missing. Several nodes may do it at once: MongoDB makes each index once. */
import { MongoClient, type Db } from 'mongodb'
import type { CollectionIndexes } from '../../mongo-indexes/declaration.ts'
import type { Log } from '../lib/log.ts'

/** Thrown where a unique index that an invariant rests on cannot be built. */
export class UniqueIndexMissing extends Error {
  override readonly name = 'UniqueIndexMissing'
}

/** On a connection of its own: a build takes as long as the data are many, and the others' time limits would end it. */
export async function buildIndexes(url: string, declared: CollectionIndexes[], log: Log): Promise<void> {
  const client = new MongoClient(url, { appName: 'parley-indexes', serverSelectionTimeoutMS: 10_000 })
  try {
    await buildMissing(client.db(), declared, log)
  } finally {
    await client.close()
  }
}

async function buildMissing(db: Db, declared: CollectionIndexes[], log: Log): Promise<void> {
  for (const { collection, indexes } of declared) {
    const present = await db
      .collection(collection)
      .indexes()
      // A collection that does not exist yet has none.
      .catch(() => [])
    let built = 0
    const names = new Set(present.map((index) => index.name))
    for (const index of indexes) {
      if (names.has(index.name)) continue
      try {
        await db.collection(collection).createIndex(index.key, { name: index.name, ...index.options })
        built += 1
      } catch (err) {
        if (index.options?.unique)
          throw new UniqueIndexMissing(`The unique index ${collection}.${index.name} cannot be built.`, {
            cause: err,
          })
        log.error({ collection, index: index.name, err }, 'index not built')
      }
    }
    if (built > 0) log.info({ collection, indexes: built }, 'indexes built')
  }
}
