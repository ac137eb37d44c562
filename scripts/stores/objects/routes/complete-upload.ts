/** Turns the parts of an upload into an object without copying a byte: its record names their blobs. */
import { createHash } from 'node:crypto'
import type { Bucket, StoredObject } from '../disk/bucket.ts'
import type { Part, Upload } from '../disk/uploads.ts'
import { declaredChecksums, readSmallBody } from '../protocol/body.ts'
import { checksumAlgorithms, compositeChecksum, startChecksum, type Checksum } from '../protocol/checksums.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { leaf, xmlDocument } from '../protocol/xml.ts'
import { parseXml, type XmlElement } from '../protocol/xml-reader.ts'
import { writeGuard } from '../rules/preconditions.ts'
import { checksumElements, encryptionHeaders, objectUrl, quoteEtag } from './answers.ts'

const partsMax = 10_000

function choosePart(wanted: XmlElement, stored: ReadonlyMap<number, Part>): Part {
  const part = stored.get(Number(wanted.requireValue('PartNumber')))
  const etag = wanted.requireValue('ETag').trim().replaceAll('"', '')
  const checksum = part?.checksum ?? null
  const declared = checksum ? wanted.value(`Checksum${checksum.algorithm}`) : null
  if (part?.etag !== etag || (declared !== null && declared !== checksum?.value))
    throw new S3Error('InvalidPart')
  const other = checksumAlgorithms.find(
    (name) => name !== checksum?.algorithm && wanted.find(`Checksum${name}`),
  )
  if (other) throw new S3Error('InvalidPart')
  return part
}

function chooseParts(request: XmlElement, stored: Part[], partBytesMin: number): Part[] {
  const byNumber = new Map(stored.map((part) => [part.number, part]))
  const wanted = request.all('Part')
  if (wanted.length === 0 || wanted.length > partsMax) throw new S3Error('MalformedXML')
  const numbers = wanted.map((part) => Number(part.requireValue('PartNumber')))
  if (numbers.some((number, at) => at > 0 && number <= (numbers[at - 1] ?? 0)))
    throw new S3Error('InvalidPartOrder')
  const parts = wanted.map((part) => choosePart(part, byNumber))
  if (parts.slice(0, -1).some((part) => part.segment.sizeBytes < partBytesMin))
    throw new S3Error('EntityTooSmall')
  return parts
}

async function objectChecksum(bucket: Bucket, upload: Upload, parts: Part[]): Promise<Checksum | null> {
  if (!upload.checksum) return null
  const { algorithm, type } = upload.checksum
  if (type === 'COMPOSITE')
    return compositeChecksum(
      algorithm,
      parts.map((part) => part.checksum?.value ?? ''),
    )
  const running = startChecksum(algorithm)
  for await (const chunk of bucket.blobs.read(parts.map((part) => part.segment))) running.update(chunk)
  return { algorithm, value: running.digest().toString('base64'), type }
}

/** What the client says of the whole object must hold. */
function checkDeclared(exchange: Exchange, object: StoredObject): void {
  const type = exchange.parameter('x-amz-checksum-type')
  if (type !== null && type !== object.checksum?.type)
    throw new S3Error('InvalidRequest', 'The checksum type differs from the one that the upload began with.')
  const size = exchange.parameter('x-amz-mp-object-size')
  if (size !== null && Number(size) !== object.sizeBytes)
    throw new S3Error('InvalidRequest', 'The parts do not add up to x-amz-mp-object-size.')
  const read = (name: string) => exchange.parameter(name)?.replace(/-\d+$/, '') ?? null
  for (const declared of declaredChecksums(read))
    if (
      declared.algorithm !== object.checksum?.algorithm ||
      declared.value !== object.checksum.value.replace(/-\d+$/, '')
    )
      throw new S3Error('BadDigest')
}

async function assemble(exchange: Exchange, upload: Upload, parts: Part[]): Promise<StoredObject> {
  const md5 = createHash('md5')
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'))
  const object: StoredObject = {
    headers: upload.headers,
    metadata: upload.metadata,
    tags: upload.tags,
    encryption: upload.encryption,
    key: upload.key,
    sizeBytes: parts.reduce((sum, part) => sum + part.segment.sizeBytes, 0),
    etag: `${md5.digest('hex')}-${parts.length}`,
    modifiedAt: exchange.now(),
    segments: parts.map((part) => part.segment),
    checksum: await objectChecksum(exchange.bucket(), upload, parts),
    uploadId: upload.id,
  }
  if (object.sizeBytes > exchange.limits.objectBytesMax) throw new S3Error('EntityTooLarge')
  checkDeclared(exchange, object)
  return object
}

function sendCompleted(exchange: Exchange, object: StoredObject): void {
  const bucket = exchange.bucket()
  const children = [
    leaf('Location', objectUrl(exchange, object.key)),
    leaf('Bucket', bucket.name),
    leaf('Key', object.key),
    leaf('ETag', quoteEtag(object.etag)),
    ...checksumElements(object.checksum),
  ]
  exchange.sendXml(200, xmlDocument('CompleteMultipartUploadResult', children), encryptionHeaders(object))
}

/** The object that this upload made earlier: a client whose answer got lost asks again. */
async function findCompleted(exchange: Exchange, uploadId: string): Promise<StoredObject | null> {
  const held = await exchange.bucket().open(exchange.requireKey())
  await held?.release()
  return held?.object.uploadId === uploadId ? held.object : null
}

export async function completeUpload(exchange: Exchange): Promise<void> {
  const bucket = exchange.bucket()
  const uploadId = exchange.query.get('uploadId') ?? ''
  const request = parseXml(await readSmallBody(exchange, 'object'), 'CompleteMultipartUpload')
  const guard = writeGuard(exchange)
  const completed = await findCompleted(exchange, uploadId)
  if (completed) {
    sendCompleted(exchange, completed)
    return
  }
  const upload = bucket.uploads.require(uploadId, exchange.requireKey())
  const object = await bucket.uploads.finish(upload, async (stored) => {
    const parts = chooseParts(request, stored, exchange.limits.partBytesMin)
    const assembled = await assemble(exchange, upload, parts)
    await bucket.put(assembled, guard)
    return { kept: assembled.segments, result: assembled }
  })
  sendCompleted(exchange, object)
}
