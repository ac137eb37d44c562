/** Builds the declared indexes that are missing. Several nodes may do it at once: MongoDB makes each index once. */
import type { Db } from 'mongodb'
import type { CollectionIndexes } from '../../mongo-indexes/declaration.ts'
import type { Log } from '../lib/log.ts'

/** Thrown where a unique index that an invariant rests on cannot be built. */
export class UniqueIndexMissing extends Error {
  override readonly name = 'UniqueIndexMissing'
}

export async function buildIndexes(db: Db, declared: CollectionIndexes[], log: Log): Promise<void> {
  for (const { collection, indexes } of declared) {
    const present = await db
      .collection(collection)
      .indexes({ timeoutMS: 30_000 })
      // A collection that does not exist yet has none.
      .catch(() => [])
    const names = new Set(present.map((index) => index.name))
    for (const index of indexes) {
      if (names.has(index.name)) continue
      try {
        await db
          .collection(collection)
          .createIndex(index.key, { name: index.name, ...index.options, timeoutMS: 0 })
        log.info({ collection, index: index.name }, 'index built')
      } catch (err) {
        if (index.options?.unique)
          throw new UniqueIndexMissing(`The unique index ${collection}.${index.name} cannot be built.`, {
            cause: err,
          })
        log.error({ collection, index: index.name, err }, 'index not built')
      }
    }
  }
}
