/** What an ordered insertMany did, read from its error. */
import { MongoBulkWriteError, MongoServerError } from 'mongodb'

export type WriteOutcome =
  /** The first `stored` documents are there with a majority; the next one collided with `index`. */
  | { kind: 'collision'; stored: number; index: 'clientMessageId' | 'place' }
  /** Whether anything was written cannot be told from the error. */
  | { kind: 'unknown' }

const DUPLICATE_KEY = 11000

export function readOutcome(err: unknown): WriteOutcome {
  if (!(err instanceof MongoBulkWriteError)) return { kind: 'unknown' }
  const failures = Array.isArray(err.writeErrors) ? err.writeErrors : [err.writeErrors]
  const [failure] = failures
  // Without the majority's word for what did land, it is as good as unknown.
  if (!failure || failure.code !== DUPLICATE_KEY || err.result.getWriteConcernError())
    return { kind: 'unknown' }
  return {
    kind: 'collision',
    stored: failure.index,
    index: (failure.errmsg ?? '').includes('clientMessageId') ? 'clientMessageId' : 'place',
  }
}

export const isDuplicateKey = (err: unknown): boolean =>
  err instanceof MongoServerError && err.code === DUPLICATE_KEY
