/**
 * The WebSocket frame of an event (RFC 6455 §5.2: final, text, not masked). The halves of an event are encoded once
 * for all sockets and only the cursor differs, so that the frame is put together here and not by the library, which
 * would take a second look and a second write for each of a group's thousands of frames.
 */
import type { EncodedEvent } from '../delivery/index.ts'

const FINAL_TEXT = 0x81
const LENGTH_16_BITS = 126
const LENGTH_64_BITS = 127
/** A larger half is not copied for each socket but shared by all of them. */
const SHARED_BYTES = 1024

/** What to write, in this order. The cursor is plain ASCII. */
export function eventFrame({ head, tail }: EncodedEvent, cursor: string): Buffer[] {
  const length = head.length + cursor.length + tail.length
  const shared = tail.length >= SHARED_BYTES
  const headerLength = length < LENGTH_16_BITS ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(headerLength + (shared ? length - tail.length : length))
  frame[0] = FINAL_TEXT
  if (headerLength === 2) frame[1] = length
  else if (headerLength === 4) {
    frame[1] = LENGTH_16_BITS
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = LENGTH_64_BITS
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  head.copy(frame, headerLength)
  const cursorAt = headerLength + head.length
  frame.write(cursor, cursorAt, 'latin1')
  if (shared) return [frame, tail]
  tail.copy(frame, cursorAt + cursor.length)
  return [frame]
}
