// The collection of messages with nothing around it: all its indexes, journaled majority writes, gone afterwards.
import { MongoClient, type Collection } from 'mongodb'
import { DECLARED_INDEXES } from '../../../mongo-indexes/index.ts'

export async function withBareMessages<T>(
  mongoUrl: string,
  database: string,
  use: (messages: Collection) => Promise<T>,
): Promise<T> {
  const client = new MongoClient(mongoUrl, {
    writeConcern: { w: 'majority', journal: true },
    ignoreUndefined: true,
  })
  const db = client.db(database)
  try {
    const messages = DECLARED_INDEXES.find(({ collection }) => collection === 'messages')
    await db
      .collection('messages')
      .createIndexes((messages?.indexes ?? []).map(({ name, key, options }) => ({ name, key, ...options })))
    return await use(db.collection('messages'))
  } finally {
    await db.dropDatabase().catch(() => {})
    await client.close()
  }
}
