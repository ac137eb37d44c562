/** Turns whatever went wrong into S3's answer, and tells the operator of what was not the client's fault. */
import { S3Error } from './protocol/errors.ts'
import type { Exchange } from './protocol/exchange.ts'
import { leaf, xmlDocument } from './protocol/xml.ts'

export type Report = (message: string, err: unknown, requestId: string | null) => void

/** Neither address nor headers are logged: a presigned URL is a credential. */
export function reportToStderr(message: string, err: unknown, requestId: string | null): void {
  const text = err instanceof Error ? (err.stack ?? err.message) : String(err)
  process.stderr.write(`${JSON.stringify({ level: 'error', msg: message, requestId, err: text })}\n`)
}

function toS3Error(err: unknown): S3Error | null {
  if (err instanceof S3Error) return err
  // A stored or requested value that no header can carry.
  if (err instanceof Error && 'code' in err && err.code === 'ERR_INVALID_CHAR')
    return new S3Error('InvalidArgument', 'A header value cannot be represented using ISO-8859-1.')
  return null
}

export function sendError(exchange: Exchange, err: unknown, report: Report): void {
  const { req, res, requestId } = exchange
  // The client went away; there is nobody to answer.
  if (req.destroyed && !req.complete) return
  if (res.destroyed) return
  const known = toS3Error(err)
  if (!known) report('request failed', err, requestId)
  if (res.headersSent) {
    // Half an object must not look like a whole one.
    res.destroy()
    return
  }
  const failure = known ?? new S3Error('InternalError')
  const children = [
    leaf('Code', failure.code),
    leaf('Message', failure.message),
    ...Object.entries(failure.facts).map(([name, value]) => leaf(name, value)),
    leaf('RequestId', requestId),
  ]
  const size = failure.facts['ActualObjectSize']
  exchange.sendXml(
    failure.status,
    xmlDocument('Error', children),
    size ? { 'content-range': `bytes */${size}` } : {},
  )
}
