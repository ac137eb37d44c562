import type { Bucket, HeldObject } from '../disk/bucket.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { percentDecode } from '../protocol/target.ts'
import { judgeRead, readConditions } from '../rules/preconditions.ts'

export interface CopySource extends HeldObject {
  bucket: Bucket
}

/** Opens the object that x-amz-copy-source names, under the conditions of its own headers. */
export async function openCopySource(exchange: Exchange): Promise<CopySource> {
  const [path = '', version] = (exchange.parameter('x-amz-copy-source') ?? '').split('?versionId=')
  if (version !== undefined && version !== 'null') throw new S3Error('NoSuchVersion')
  const decoded = percentDecode(path).replace(/^\//, '')
  const slash = decoded.indexOf('/')
  if (slash < 1 || slash === decoded.length - 1)
    throw new S3Error('InvalidArgument', 'x-amz-copy-source must be BUCKET/KEY.')
  const bucket = exchange.disk.requireBucket(decoded.slice(0, slash))
  const held = await bucket.requireObject(decoded.slice(slash + 1))
  try {
    if (judgeRead(readConditions(exchange, 'x-amz-copy-source-'), held.object) === 'not-modified')
      throw new S3Error('PreconditionFailed')
    return { ...held, bucket }
  } catch (err) {
    await held.release()
    throw err
  }
}
