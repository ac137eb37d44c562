import type { ObjectInfo } from '../disk/bucket.ts'
import {
  parseAlgorithm,
  startChecksum,
  type Checksum,
  type ChecksumAlgorithm,
} from '../protocol/checksums.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { leaf, xmlDocument } from '../protocol/xml.ts'
import { requestedInfo } from '../rules/object-info.ts'
import { writeGuard } from '../rules/preconditions.ts'
import { checksumElements, encryptionHeaders, isoTime, quoteEtag } from './answers.ts'
import { openCopySource, type CopySource } from './copy-source.ts'
import { storeObject } from './store-object.ts'

function directive(exchange: Exchange, name: string): 'COPY' | 'REPLACE' {
  const value = exchange.parameter(name) ?? 'COPY'
  if (value !== 'COPY' && value !== 'REPLACE')
    throw new S3Error('InvalidArgument', `${name} must be COPY or REPLACE.`)
  return value
}

function copiedInfo(exchange: Exchange, source: CopySource, requested: ObjectInfo): ObjectInfo {
  const keepsInfo = directive(exchange, 'x-amz-metadata-directive') === 'COPY'
  const keepsTags = directive(exchange, 'x-amz-tagging-directive') === 'COPY'
  const isItself = source.bucket.name === exchange.bucketName && source.object.key === exchange.key
  if (isItself && keepsInfo && requested.encryption === source.object.encryption)
    throw new S3Error(
      'InvalidRequest',
      'This copy request would copy an object to itself without changing anything.',
    )
  return {
    headers: keepsInfo ? source.object.headers : requested.headers,
    metadata: keepsInfo ? source.object.metadata : requested.metadata,
    tags: keepsTags ? source.object.tags : requested.tags,
    encryption: requested.encryption,
  }
}

/** Computes the checksum of what goes by; one over parts would not hold for the copy, which has none. */
function withChecksum(chunks: AsyncIterable<Buffer>, algorithm: ChecksumAlgorithm | null) {
  const running = algorithm ? startChecksum(algorithm) : null
  async function* watched(): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      running?.update(chunk)
      yield chunk
    }
  }
  const checksum = (): Checksum | null =>
    running && algorithm
      ? { algorithm, value: running.digest().toString('base64'), type: 'FULL_OBJECT' }
      : null
  return { chunks: watched(), checksum }
}

export async function copyObject(exchange: Exchange): Promise<void> {
  const bucket = exchange.bucket()
  const key = exchange.requireKey()
  const requested = requestedInfo(exchange, bucket.settings.encryption)
  const guard = writeGuard(exchange)
  const source = await openCopySource(exchange)
  try {
    const info = copiedInfo(exchange, source, requested)
    if (source.object.sizeBytes > exchange.limits.objectBytesMax)
      throw new S3Error('InvalidRequest', 'The copy source is larger than the maximum allowable size.')
    guard(bucket.index.get(key))
    const named = exchange.parameter('x-amz-checksum-algorithm')
    const algorithm = named === null ? (source.object.checksum?.algorithm ?? null) : parseAlgorithm(named)
    const { chunks, checksum } = withChecksum(source.bucket.blobs.read(source.object.segments), algorithm)
    const blob = await bucket.blobs.write(chunks)
    const given = { key, info, blob, checksum: checksum(), modifiedAt: exchange.now() }
    const object = await storeObject(bucket, given, guard)
    const children = [
      leaf('LastModified', isoTime(object.modifiedAt)),
      leaf('ETag', quoteEtag(object.etag)),
      ...checksumElements(object.checksum),
    ]
    exchange.sendXml(200, xmlDocument('CopyObjectResult', children), encryptionHeaders(object))
  } finally {
    await source.release()
  }
}
