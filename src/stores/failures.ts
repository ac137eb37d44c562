/** From a driver's error to what the doors may say of it. The driver's text goes to the log only. */
import { MongoError } from 'mongodb'
import { AppError, unavailable } from '../lib/errors.ts'
import { LIMITS } from '../lib/limits.ts'
import { within } from '../lib/within.ts'

const CONNECTION = /ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|CONNECT_TIMEOUT|CONNECTION_|^57|^08|^53|^25P03/

/** An AppError as it is, a store that is away as 503, and anything else as the bug that it is. */
export function toAppError(err: unknown): AppError {
  if (err instanceof AppError) return err
  if (storeIsAway(err)) return unavailable('A database does not answer right now; try again.', err)
  return new AppError('INTERNAL_SERVER_ERROR', 'Something went wrong on our side.', { cause: err })
}

/**
 * The outcome of a verb, or a retryable refusal when that takes too long. The work goes on: whoever asks again with the
 * same id finds what became of it.
 */
export const answerInTime = <T>(work: Promise<T>): Promise<T> =>
  within(LIMITS.answerMs, work, () => unavailable('This takes too long right now; try again.'))

function storeIsAway(err: unknown): boolean {
  for (let error = err, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth += 1) {
    if (error instanceof MongoError && mongoIsAway(error)) return true
    const { code } = error as { code?: unknown }
    if (typeof code === 'string' && CONNECTION.test(code)) return true
    // ioredis has no codes for these.
    if (
      /Connection is closed|isn't writeable|Command timed out|redis is away|max retries/i.test(error.message)
    )
      return true
  }
  return false
}

function mongoIsAway(error: MongoError): boolean {
  return (
    /Network|ServerSelection|Timeout|PoolCleared|WriteConcern|NotConnected|TopologyClosed|Retryable/.test(
      error.name,
    ) ||
    error.hasErrorLabel('RetryableWriteError') ||
    error.hasErrorLabel('TransientTransactionError') ||
    error.hasErrorLabel('RetryableError') ||
    // not primary, shutting down, interrupted by a step-down, out of time, stale reads during a failover
    [50, 64, 91, 189, 202, 262, 10058, 10107, 11600, 11602, 13435, 13436].includes(Number(error.code))
  )
}
