/** The driver's client, each of its calls bounded in time and refused at once while the database does not answer. */
import type { PendingQuery, Row, Sql, TransactionSql } from 'postgres'
import { LIMITS } from '../lib/limits.ts'
import type { Breaker } from './breaker.ts'
import type { PostgresLines } from './postgres-lines.ts'

/** The server itself ends a statement at the limit; only who does not even say that does not answer. */
const LATE_MS = LIMITS.storeTimeoutMs + 100
/** This process may have stood still itself: what has come meanwhile is read before anything is judged. */
const GRACE_MS = 100
const SILENT_MS = 3000

interface Guard {
  sql: Sql
  lines: PostgresLines
  breaker: Breaker
}

type Pending = PendingQuery<(Row & Iterable<Row>)[]>

/** Has what drizzle uses of a client: `unsafe`, `begin` and `options`. */
export function guardPostgres(guard: Guard): Sql {
  const { sql } = guard
  const unsafe = (...args: Parameters<Sql['unsafe']>) => {
    const run = <T>(shape: (query: Pending) => Promise<T>): Promise<T> => {
      guard.breaker.check()
      const query = sql.unsafe(...args)
      return inTime(guard, shape(query), () => {
        // One that still waits for a connection must not run after it was refused.
        if ((query as unknown as { state: unknown }).state === null) query.cancel()
      })
    }
    return {
      // A query of the driver begins when it is waited for, and may be told its shape until then.
      // oxlint-disable-next-line unicorn/no-thenable
      then: (...next: Parameters<Promise<Row[]>['then']>) =>
        Promise.resolve()
          .then(() => run((query) => query))
          .then(...next),
      values: () => Promise.resolve().then(() => run((query) => query.values())),
    }
  }
  const begin = async <T>(work: (tx: TransactionSql) => Promise<T>) => {
    guard.breaker.check()
    let late = false
    const done = sql.begin((tx) => {
      if (late) throw new Error('given up before it began')
      return work(tx)
    })
    return inTime(guard, done as Promise<T>, () => {
      late = true
    })
  }
  return new Proxy(sql, {
    get: (target, name): unknown =>
      name === 'unsafe' ? unsafe : name === 'begin' ? begin : Reflect.get(target, name),
  })
}

function inTime<T>({ lines, breaker }: Guard, work: Promise<T>, giveUp: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => {
      giveUp()
      lines.endSilent(SILENT_MS)
      breaker.trip()
      reject(Object.assign(new Error('the database did not answer in time'), { code: 'ETIMEDOUT' }))
    }
    let timer = setTimeout(() => {
      timer = setTimeout(late, GRACE_MS)
    }, LATE_MS)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
