/** Conditional headers: what they forbid, and when a reader has the newest bytes already. */
import type { Guard } from '../disk/bucket.ts'
import type { Summary } from '../disk/key-index.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'

function matches(list: string, etag: string): boolean {
  return list.split(',').some((item) => {
    const bare = item.trim().replace(/^W\//, '').replaceAll('"', '')
    return bare === '*' || bare === etag
  })
}

function parseDate(text: string | null): number | null {
  const at = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? null : at
}

/** Whole seconds: the header has no finer ones. */
function seconds(at: number): number {
  return Math.floor(at / 1000)
}

export interface ReadConditions {
  ifMatch: string | null
  ifNoneMatch: string | null
  ifModifiedSince: string | null
  ifUnmodifiedSince: string | null
}

export function readConditions(exchange: Exchange, prefix = ''): ReadConditions {
  const read = (name: string) => exchange.headers.get(`${prefix}${name}`)
  return {
    ifMatch: read('if-match'),
    ifNoneMatch: read('if-none-match'),
    ifModifiedSince: read('if-modified-since'),
    ifUnmodifiedSince: read('if-unmodified-since'),
  }
}

/** Tells whether to send the object; throws where a condition forbids it. An ETag condition outranks a date. */
export function judgeRead(conditions: ReadConditions, object: Summary): 'send' | 'not-modified' {
  const { ifMatch, ifNoneMatch } = conditions
  const modified = parseDate(conditions.ifModifiedSince)
  const unmodified = parseDate(conditions.ifUnmodifiedSince)
  if (ifMatch !== null) {
    if (!matches(ifMatch, object.etag))
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' })
  } else if (unmodified !== null && seconds(object.modifiedAt) > seconds(unmodified))
    throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Unmodified-Since' })
  if (ifNoneMatch !== null) return matches(ifNoneMatch, object.etag) ? 'not-modified' : 'send'
  return modified !== null && seconds(object.modifiedAt) <= seconds(modified) ? 'not-modified' : 'send'
}

/** The condition under which a write may replace what is there. */
export function writeGuard(exchange: Exchange): Guard {
  const ifMatch = exchange.headers.get('if-match')
  const ifNoneMatch = exchange.headers.get('if-none-match')
  if (ifNoneMatch !== null && ifNoneMatch.trim() !== '*')
    throw new S3Error('NotImplemented', 'If-None-Match of a write can only be *.')
  return (current) => {
    if (ifNoneMatch !== null && current)
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-None-Match' })
    if (ifMatch === null) return
    if (!current) throw new S3Error('NoSuchKey')
    if (!matches(ifMatch, current.etag))
      throw new S3Error('PreconditionFailed', undefined, { Condition: 'If-Match' })
  }
}
