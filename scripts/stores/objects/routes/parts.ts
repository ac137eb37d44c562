import type { Segment } from '../disk/blobs.ts'
import type { Part, Upload } from '../disk/uploads.ts'
import { openBody } from '../protocol/body.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { startChecksum, type Checksum } from '../protocol/checksums.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { parseByteRange } from '../rules/byte-range.ts'
import { checksumElements, isoTime, ownerXml, quoteEtag, writtenHeaders } from './answers.ts'
import { openCopySource } from './copy-source.ts'
import { readCount } from './list-objects.ts'

const partNumberMax = 10_000

export function requireUpload(exchange: Exchange): Upload {
  return exchange.bucket().uploads.require(exchange.query.get('uploadId') ?? '', exchange.requireKey())
}

function requirePartNumber(exchange: Exchange): number {
  const text = exchange.query.get('partNumber') ?? ''
  const number = Number(text)
  if (!/^\d{1,5}$/.test(text) || number < 1 || number > partNumberMax)
    throw new S3Error(
      'InvalidArgument',
      `Part number must be an integer between 1 and ${partNumberMax}, inclusive.`,
    )
  return number
}

/** A checksum over parts needs every part's own one, by the algorithm that the upload began with. */
function checkPartChecksum(upload: Upload, checksum: Checksum | null): void {
  const expected = upload.checksum
  if (!expected || (expected.type === 'FULL_OBJECT' && !checksum)) return
  if (checksum?.algorithm !== expected.algorithm)
    throw new S3Error(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${expected.algorithm}, actual checksum Type: ${checksum?.algorithm ?? 'null'}.`,
    )
}

interface ReceivedPart {
  blob: Segment & { md5: string }
  checksum: Checksum | null
}

async function keepPart(
  exchange: Exchange,
  upload: Upload,
  number: number,
  received: ReceivedPart,
): Promise<Part> {
  const { blob, checksum } = received
  const segment = { id: blob.id, sizeBytes: blob.sizeBytes }
  const part: Part = { number, etag: blob.md5, modifiedAt: exchange.now(), segment, checksum }
  try {
    checkPartChecksum(upload, checksum)
    await exchange.bucket().uploads.putPart(upload, part)
  } catch (err) {
    if (err instanceof S3Error) await exchange.bucket().blobs.remove([segment])
    throw err
  }
  return part
}

export async function uploadPart(exchange: Exchange): Promise<void> {
  const upload = requireUpload(exchange)
  const number = requirePartNumber(exchange)
  const body = openBody(exchange, exchange.limits.objectBytesMax)
  const blob = await exchange.bucket().blobs.write(body.chunks)
  const part = await keepPart(exchange, upload, number, { blob, checksum: body.checksum() })
  exchange.send(200, writtenHeaders({ ...part, encryption: upload.encryption }))
}

/** Fills a part from another object, or from a range of it. */
export async function copyPart(exchange: Exchange): Promise<void> {
  const upload = requireUpload(exchange)
  const number = requirePartNumber(exchange)
  const source = await openCopySource(exchange)
  try {
    const rangeText = exchange.parameter('x-amz-copy-source-range')
    const range = parseByteRange(rangeText, source.object.sizeBytes)
    if (rangeText !== null && (!range || !/^bytes=\d+-\d+$/.test(rangeText)))
      throw new S3Error(
        'InvalidArgument',
        'x-amz-copy-source-range must be bytes=FIRST-LAST within the object.',
      )
    const running = upload.checksum ? startChecksum(upload.checksum.algorithm) : null
    async function* watched(): AsyncGenerator<Buffer> {
      for await (const chunk of source.bucket.blobs.read(source.object.segments, range)) {
        running?.update(chunk)
        yield chunk
      }
    }
    const blob = await exchange.bucket().blobs.write(watched())
    const checksum: Checksum | null =
      running && upload.checksum
        ? {
            algorithm: upload.checksum.algorithm,
            value: running.digest().toString('base64'),
            type: 'FULL_OBJECT',
          }
        : null
    const part = await keepPart(exchange, upload, number, { blob, checksum })
    const children = [
      leaf('LastModified', isoTime(part.modifiedAt)),
      leaf('ETag', quoteEtag(part.etag)),
      ...checksumElements(part.checksum),
    ]
    exchange.sendXml(200, xmlDocument('CopyPartResult', children))
  } finally {
    await source.release()
  }
}

export async function listParts(exchange: Exchange): Promise<void> {
  const upload = requireUpload(exchange)
  const marker = Number(exchange.query.get('part-number-marker') ?? 0)
  if (!Number.isInteger(marker)) throw new S3Error('InvalidArgument')
  const max = readCount(exchange, 'max-parts')
  const rest = (await exchange.bucket().uploads.listParts(upload.id)).filter((part) => part.number > marker)
  const page = rest.slice(0, max)
  const last = page.at(-1)
  const children = [
    leaf('Bucket', exchange.bucket().name),
    leaf('Key', upload.key),
    leaf('UploadId', upload.id),
    ownerXml.replaceAll('Owner>', 'Initiator>'),
    ownerXml,
    leaf('StorageClass', 'STANDARD'),
    leaf('PartNumberMarker', marker),
    ...(last && rest.length > page.length ? [leaf('NextPartNumberMarker', last.number)] : []),
    leaf('MaxParts', max),
    leaf('IsTruncated', rest.length > page.length),
    ...(upload.checksum
      ? [leaf('ChecksumAlgorithm', upload.checksum.algorithm), leaf('ChecksumType', upload.checksum.type)]
      : []),
    ...page.map((part) =>
      branch('Part', [
        leaf('PartNumber', part.number),
        leaf('LastModified', isoTime(part.modifiedAt)),
        leaf('ETag', quoteEtag(part.etag)),
        leaf('Size', part.segment.sizeBytes),
        ...checksumElements(part.checksum).slice(0, 1),
      ]),
    ),
  ]
  exchange.sendXml(200, xmlDocument('ListPartsResult', children))
}
