/** UUIDv7: ids that sort by creation, so that new rows land at the end of their indexes. */
import { randomBytes } from 'node:crypto'

/** A version 7 UUID (RFC 9562) of that millisecond; made here because older PostgreSQL has no `uuidv7()`. */
export function uuidv7(now: Date, random: Buffer = randomBytes(10)): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(now.getTime(), 0, 6)
  random.copy(bytes, 6, 0, 10)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
