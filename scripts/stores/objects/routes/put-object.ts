import { openBody } from '../protocol/body.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { requestedInfo } from '../rules/object-info.ts'
import { writeGuard } from '../rules/preconditions.ts'
import { writtenHeaders } from './answers.ts'
import { storeObject } from './store-object.ts'

export async function putObject(exchange: Exchange): Promise<void> {
  const bucket = exchange.bucket()
  const key = exchange.requireKey()
  const info = requestedInfo(exchange, bucket.settings.encryption)
  const guard = writeGuard(exchange)
  // Judged before the body too, so that a gigabyte is not received only to be refused.
  guard(bucket.index.get(key))
  const body = openBody(exchange, exchange.limits.objectBytesMax)
  const blob = await bucket.blobs.write(body.chunks)
  const given = { key, info, blob, checksum: body.checksum(), modifiedAt: exchange.now() }
  exchange.send(200, writtenHeaders(await storeObject(bucket, given, guard)))
}
