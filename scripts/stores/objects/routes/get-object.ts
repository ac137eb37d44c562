import { pipeline } from 'node:stream/promises'
import type { StoredObject } from '../disk/bucket.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { parseByteRange } from '../rules/byte-range.ts'
import { judgeRead, readConditions } from '../rules/preconditions.ts'
import { checksumHeaders, encryptionHeaders, quoteEtag } from './answers.ts'

const overrides = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
]

function objectHeaders(exchange: Exchange, object: StoredObject): Record<string, string> {
  const headers: Record<string, string> = {
    ...object.headers,
    ...object.metadata,
    ...encryptionHeaders(object),
    etag: quoteEtag(object.etag),
    'last-modified': new Date(object.modifiedAt).toUTCString(),
    'accept-ranges': 'bytes',
  }
  if (object.tags.length > 0) headers['x-amz-tagging-count'] = String(object.tags.length)
  for (const name of overrides) {
    const value = exchange.query.get(`response-${name}`)
    if (value) headers[name] = value
  }
  return headers
}

/** If-Range: a range of an object that has changed since would be glued to the wrong bytes. */
function requestedRange(exchange: Exchange, object: StoredObject) {
  const condition = exchange.headers.get('if-range')
  const isSame =
    condition === null ||
    condition === quoteEtag(object.etag) ||
    Date.parse(condition) === Math.floor(object.modifiedAt / 1000) * 1000
  return isSame ? parseByteRange(exchange.headers.get('range'), object.sizeBytes) : null
}

/** GET and HEAD. */
export async function getObject(exchange: Exchange): Promise<void> {
  if (exchange.query.has('partNumber'))
    throw new S3Error('NotImplemented', 'Reading single parts is not implemented.')
  const bucket = exchange.bucket()
  const { object, release } = await bucket.requireObject(exchange.requireKey())
  try {
    const headers = objectHeaders(exchange, object)
    if (judgeRead(readConditions(exchange), object) === 'not-modified') {
      const { etag = '', 'last-modified': modified = '', 'cache-control': cacheControl } = headers
      exchange.send(304, {
        etag,
        'last-modified': modified,
        ...(cacheControl && { 'cache-control': cacheControl }),
      })
      return
    }
    const range = requestedRange(exchange, object)
    const sizeBytes = range ? range.end - range.start + 1 : object.sizeBytes
    if (range) headers['content-range'] = `bytes ${range.start}-${range.end}/${object.sizeBytes}`
    else if (exchange.parameter('x-amz-checksum-mode') === 'ENABLED')
      Object.assign(headers, checksumHeaders(object.checksum))
    exchange.res.writeHead(range ? 206 : 200, { ...headers, 'content-length': sizeBytes })
    if (exchange.req.method === 'HEAD') exchange.res.end()
    else await pipeline(bucket.blobs.read(object.segments, range), exchange.res)
  } finally {
    await release()
  }
}
