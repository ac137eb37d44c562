import type { ByteRange } from '../disk/blobs.ts'
import { S3Error } from '../protocol/errors.ts'

/** The range to send, or null for everything: what is malformed or names several ranges is ignored, as in S3. */
export function parseByteRange(header: string | null, sizeBytes: number): ByteRange | null {
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '')
  if (!found || (found[1] === '' && found[2] === '')) return null
  const first = Number(found[1])
  const last = Number(found[2])
  const refuse = () => new S3Error('InvalidRange', undefined, { ActualObjectSize: String(sizeBytes) })
  if (found[1] === '') {
    if (last === 0 || sizeBytes === 0) throw refuse()
    return { start: Math.max(sizeBytes - last, 0), end: sizeBytes - 1 }
  }
  if (found[2] !== '' && last < first) return null
  if (first >= sizeBytes) throw refuse()
  return { start: first, end: found[2] === '' ? sizeBytes - 1 : Math.min(last, sizeBytes - 1) }
}
