import { compareKeys } from '../disk/key-index.ts'
import { rollUp } from '../disk/listing.ts'
import type { Upload } from '../disk/uploads.ts'
import { parseAlgorithm, type Checksum } from '../protocol/checksums.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { requestedInfo } from '../rules/object-info.ts'
import { encryptionHeaders, isoTime, ownerXml } from './answers.ts'
import { keyWriter, readCount } from './list-objects.ts'
import { requireUpload } from './parts.ts'

function requestedChecksum(exchange: Exchange): Upload['checksum'] {
  const name = exchange.parameter('x-amz-checksum-algorithm')
  const type = exchange.parameter('x-amz-checksum-type')
  if (name === null) {
    if (type !== null)
      throw new S3Error('InvalidRequest', 'x-amz-checksum-type needs x-amz-checksum-algorithm.')
    return null
  }
  const algorithm = parseAlgorithm(name)
  const chosen: string = type ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE')
  const allowed: Record<Checksum['type'], boolean> = {
    COMPOSITE: algorithm !== 'CRC64NVME',
    FULL_OBJECT: algorithm.startsWith('CRC'),
  }
  if ((chosen !== 'COMPOSITE' && chosen !== 'FULL_OBJECT') || !allowed[chosen])
    throw new S3Error('InvalidRequest', `The ${chosen} checksum type cannot be used with ${algorithm}.`)
  return { algorithm, type: chosen }
}

export async function createUpload(exchange: Exchange): Promise<void> {
  const bucket = exchange.bucket()
  const key = exchange.requireKey()
  const info = requestedInfo(exchange, bucket.settings.encryption)
  const checksum = requestedChecksum(exchange)
  const upload = await bucket.startUpload({ ...info, key, startedAt: exchange.now(), checksum })
  const children = [leaf('Bucket', bucket.name), leaf('Key', key), leaf('UploadId', upload.id)]
  const headers: Record<string, string> = checksum
    ? { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type }
    : {}
  const body = xmlDocument('InitiateMultipartUploadResult', children)
  exchange.sendXml(200, body, { ...headers, ...encryptionHeaders(upload) })
}

export async function abortUpload(exchange: Exchange): Promise<void> {
  await exchange.bucket().uploads.abort(requireUpload(exchange))
  exchange.send(204)
}

function compareUploads(a: Upload, b: Upload): number {
  return compareKeys(a.key, b.key) || a.startedAt - b.startedAt || compareKeys(a.id, b.id)
}

/** Uploads behind the markers; without an upload id a key marker skips all uploads of that key. */
function uploadsBehind(exchange: Exchange, uploads: Upload[]): Upload[] {
  const keyMarker = exchange.query.get('key-marker') ?? ''
  const idMarker = exchange.query.get('upload-id-marker') ?? ''
  if (keyMarker === '') return uploads
  const markedAt = uploads.findIndex((upload) => upload.key === keyMarker && upload.id === idMarker)
  if (markedAt !== -1) return uploads.slice(markedAt + 1)
  return uploads.filter((upload) => compareKeys(upload.key, keyMarker) > 0)
}

export function listUploads(exchange: Exchange): void {
  const bucket = exchange.bucket()
  const write = keyWriter(exchange)
  const prefix = exchange.query.get('prefix') ?? ''
  const delimiter = exchange.query.get('delimiter') ?? ''
  const max = readCount(exchange, 'max-uploads')
  const matching = bucket.uploads.list().filter((upload) => upload.key.startsWith(prefix))
  const rest = uploadsBehind(exchange, matching.sort(compareUploads))
  const direct = rest.filter((upload) => rollUp(upload.key, prefix, delimiter) === null)
  const prefixes = new Set(rest.flatMap((upload) => rollUp(upload.key, prefix, delimiter) ?? []))
  const page = direct.slice(0, max)
  const last = page.at(-1)
  const isTruncated = direct.length > page.length && last !== undefined
  const children = [
    leaf('Bucket', bucket.name),
    leaf('Prefix', write(prefix)),
    leaf('KeyMarker', write(exchange.query.get('key-marker') ?? '')),
    leaf('UploadIdMarker', exchange.query.get('upload-id-marker') ?? ''),
    ...(isTruncated ? [leaf('NextKeyMarker', write(last.key)), leaf('NextUploadIdMarker', last.id)] : []),
    leaf('MaxUploads', max),
    leaf('IsTruncated', isTruncated),
    ...page.map((upload) =>
      branch('Upload', [
        leaf('Key', write(upload.key)),
        leaf('UploadId', upload.id),
        ownerXml.replaceAll('Owner>', 'Initiator>'),
        ownerXml,
        leaf('StorageClass', 'STANDARD'),
        leaf('Initiated', isoTime(upload.startedAt)),
      ]),
    ),
    ...[...prefixes].map((rolled) => branch('CommonPrefixes', [leaf('Prefix', write(rolled))])),
  ]
  exchange.sendXml(200, xmlDocument('ListMultipartUploadsResult', children))
}
