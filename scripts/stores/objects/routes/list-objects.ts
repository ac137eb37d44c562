import type { Summary } from '../disk/key-index.ts'
import { listPage, type ListPage, type ListRequest } from '../disk/listing.ts'
import { uriEncode } from '../auth/sigv4.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { isoTime, ownerXml, quoteEtag } from './answers.ts'

const pageMax = 1000

/** A count of the query, capped as S3 does. */
export function readCount(exchange: Exchange, name: string): number {
  const text = exchange.query.get(name)
  if (text === null || text === '') return pageMax
  if (!/^\d{1,9}$/.test(text)) throw new S3Error('InvalidArgument', `${name} must be a whole number.`)
  return Math.min(Number(text), pageMax)
}

/** How keys are written into the answer: as they are, or percent-encoded where the client asks for it. */
export function keyWriter(exchange: Exchange): (key: string) => string {
  const encoding = exchange.query.get('encoding-type')
  if (encoding !== null && encoding !== 'url')
    throw new S3Error('InvalidArgument', 'encoding-type can only be url.')
  return encoding === null ? (key) => key : (key) => key.split('/').map(uriEncode).join('/')
}

function contents(page: ListPage, write: (key: string) => string, withOwner: boolean): string[] {
  const item = (summary: Summary) =>
    branch('Contents', [
      leaf('Key', write(summary.key)),
      leaf('LastModified', isoTime(summary.modifiedAt)),
      leaf('ETag', quoteEtag(summary.etag)),
      leaf('Size', summary.sizeBytes),
      ...(withOwner ? [ownerXml] : []),
      leaf('StorageClass', 'STANDARD'),
    ])
  return [
    ...page.summaries.map(item),
    ...page.prefixes.map((prefix) => branch('CommonPrefixes', [leaf('Prefix', write(prefix))])),
  ]
}

function decodeToken(token: string): string {
  const after = Buffer.from(token, 'base64url').toString('utf8')
  if (Buffer.from(after).toString('base64url') !== token)
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect.')
  return after
}

interface Listing {
  page: ListPage
  shared: string[]
  write: (key: string) => string
}

function list(exchange: Exchange, after: string): Listing {
  const bucket = exchange.bucket()
  const write = keyWriter(exchange)
  const request: ListRequest = {
    prefix: exchange.query.get('prefix') ?? '',
    delimiter: exchange.query.get('delimiter') ?? '',
    after,
    max: readCount(exchange, 'max-keys'),
  }
  const page = listPage(bucket.index, request)
  const shared = [
    leaf('Name', bucket.name),
    leaf('Prefix', write(request.prefix)),
    ...(request.delimiter === '' ? [] : [leaf('Delimiter', write(request.delimiter))]),
    leaf('MaxKeys', request.max),
    ...(exchange.query.has('encoding-type') ? [leaf('EncodingType', 'url')] : []),
    leaf('IsTruncated', page.next !== null),
  ]
  return { page, shared, write }
}

export function listObjectsV2(exchange: Exchange): void {
  const token = exchange.query.get('continuation-token')
  const startAfter = exchange.query.get('start-after')
  const { page, shared, write } = list(exchange, token === null ? (startAfter ?? '') : decodeToken(token))
  const children = [
    ...shared,
    leaf('KeyCount', page.summaries.length + page.prefixes.length),
    ...(token === null ? [] : [leaf('ContinuationToken', token)]),
    ...(startAfter === null ? [] : [leaf('StartAfter', write(startAfter))]),
    ...(page.next === null
      ? []
      : [leaf('NextContinuationToken', Buffer.from(page.next).toString('base64url'))]),
    ...contents(page, write, exchange.query.get('fetch-owner') === 'true'),
  ]
  exchange.sendXml(200, xmlDocument('ListBucketResult', children))
}

export function listObjectsV1(exchange: Exchange): void {
  const marker = exchange.query.get('marker') ?? ''
  const { page, shared, write } = list(exchange, marker)
  const children = [
    ...shared,
    leaf('Marker', write(marker)),
    ...(page.next === null ? [] : [leaf('NextMarker', write(page.next))]),
    ...contents(page, write, true),
  ]
  exchange.sendXml(200, xmlDocument('ListBucketResult', children))
}
