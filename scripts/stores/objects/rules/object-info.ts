/** What a request says about the object beside its bytes: headers, user metadata, tags, encryption. */
import type { ObjectInfo } from '../disk/bucket.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { parseTagHeader } from './tags.ts'

const metadataBytesMax = 2048
const keptHeaders = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
] as const
const notOffered = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-legal-hold',
  'x-amz-website-redirect-location',
  'x-amz-grant-read',
  'x-amz-grant-full-control',
]

export type ReadField = (name: string) => string | null

function readEncryption(read: ReadField): 'AES256' | null {
  const encryption = read('x-amz-server-side-encryption')
  if (encryption === null || encryption === 'AES256') return encryption
  if (encryption.startsWith('aws:')) throw new S3Error('NotImplemented', 'Only AES256 is offered here.')
  throw new S3Error('InvalidEncryptionAlgorithmError')
}

function refuseUnoffered(read: ReadField): void {
  const found = notOffered.find((name) => read(name) !== null)
  // Taking it silently would promise what is then not kept.
  if (found) throw new S3Error('NotImplemented', `${found} is not implemented here.`)
  const acl = read('x-amz-acl') ?? read('acl')
  if (acl !== null && acl !== 'private' && acl !== 'bucket-owner-full-control')
    throw new S3Error('AccessControlListNotSupported')
}

export function readObjectInfo(names: string[], read: ReadField, bucketDefault: 'AES256' | null): ObjectInfo {
  refuseUnoffered(read)
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' }
  for (const name of keptHeaders) {
    const value = name === 'content-encoding' ? stripFraming(read(name)) : read(name)
    if (value) headers[name] = value
  }
  const metadata = Object.fromEntries(
    names
      .filter((name) => name.startsWith('x-amz-meta-') && name !== 'x-amz-meta-')
      .map((name) => [name, read(name) ?? '']),
  )
  const bytes = Object.entries(metadata).reduce(
    (sum, [name, value]) => sum + name.length - 11 + Buffer.byteLength(value),
    0,
  )
  if (bytes > metadataBytesMax) throw new S3Error('MetadataTooLarge')
  const tags = parseTagHeader(read('x-amz-tagging'))
  return { headers, metadata, tags, encryption: readEncryption(read) ?? bucketDefault }
}

/** The info of a PUT, a copy or a new upload. */
export function requestedInfo(exchange: Exchange, bucketDefault: 'AES256' | null): ObjectInfo {
  const names = [
    ...new Set([...exchange.headers.names(), ...exchange.query.pairs.map(([name]) => name.toLowerCase())]),
  ]
  const read = (name: string) =>
    exchange.headers.get(name) ?? (name.startsWith('x-amz-') ? exchange.query.get(name) : null)
  return readObjectInfo(names, read, bucketDefault)
}

/** `aws-chunked` frames the transfer and is no property of the object. */
function stripFraming(encoding: string | null): string | null {
  if (encoding === null) return null
  return encoding
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'aws-chunked')
    .join(',')
}
