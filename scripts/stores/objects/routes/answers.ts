/** Headers that several answers share. */
import type { ObjectInfo, StoredObject } from '../disk/bucket.ts'
import { checksumHeader, type Checksum } from '../protocol/checksums.ts'
import { uriEncode } from '../auth/sigv4.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { leaf } from '../protocol/xml.ts'

export function quoteEtag(etag: string): string {
  return `"${etag}"`
}

export function encryptionHeaders(info: Pick<ObjectInfo, 'encryption'>): Record<string, string> {
  return info.encryption ? { 'x-amz-server-side-encryption': info.encryption } : {}
}

export function checksumHeaders(checksum: Checksum | null): Record<string, string> {
  if (!checksum) return {}
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type }
}

export function checksumElements(checksum: Checksum | null): string[] {
  if (!checksum) return []
  return [leaf(`Checksum${checksum.algorithm}`, checksum.value), leaf('ChecksumType', checksum.type)]
}

/** What a write tells of the object that it made. */
export function writtenHeaders(
  object: Pick<StoredObject, 'etag' | 'checksum' | 'encryption'>,
): Record<string, string> {
  return { etag: quoteEtag(object.etag), ...checksumHeaders(object.checksum), ...encryptionHeaders(object) }
}

/** Where the object can be found, as seen by this client. */
export function objectUrl(exchange: Exchange, key: string): string {
  const path = [exchange.bucket().name, ...key.split('/')].map(uriEncode).join('/')
  return `http://${exchange.headers.get('host') ?? ''}/${path}`
}

export function isoTime(at: number): string {
  return new Date(at).toISOString()
}

export const ownerXml = '<Owner><ID>owner</ID><DisplayName>owner</DisplayName></Owner>'
