// A MongoDB of our own: a replica set of one member, because majority writes, change streams and transactions
// exist only in a replica set.
import { type MongoOptions, settleSet, startMongod } from './mongod.ts'
import type { RunningStore } from './redis.ts'

/** Starts a mongod on loopback and waits until it is the primary of its set. */
export async function startMongo(options: MongoOptions): Promise<RunningStore> {
  // One major version cannot open the files of another.
  const place = { name: 'mongodb', folder: `mongo-${options.mongod.major}` }
  return startMongod(options, place, async (admin, host) => {
    if ((await admin.command({ hello: 1 })).isWritablePrimary === true) return true
    await settleSet(admin, [host])
    return false
  })
}
