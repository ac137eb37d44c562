/** Reads a request body: of the documented type, bounded, valid JSON. */
import type { IncomingMessage } from 'node:http'
import { AppError } from '../lib/errors.ts'
import { parseJson } from '../lib/json.ts'
import { LIMITS } from '../lib/limits.ts'

export async function readJsonBody(req: IncomingMessage): Promise<unknown> {
  const type = (req.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  const length = Number(req.headers['content-length'] ?? NaN)
  if (length > LIMITS.jsonBodyBytes) throw tooLarge()
  const bytes = await readBytes(req)
  if (bytes.length === 0) throw new AppError('MISSING_REQUIRED_FIELD', 'The body is required: send JSON.')
  if (type !== 'application/json')
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.')
  return parseJson(bytes.toString('utf8'))
}

async function readBytes(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of req as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > LIMITS.jsonBodyBytes) throw tooLarge()
      chunks.push(chunk)
    }
  } catch (err) {
    // A caller who hangs up is no fault of ours: nobody reads the answer, and the log must not call it an error.
    if (req.errored && err === req.errored)
      throw new AppError('INVALID_INPUT', 'The body ended before its announced length.', { cause: err })
    throw err
  }
  return Buffer.concat(chunks)
}

const tooLarge = () =>
  new AppError('PAYLOAD_TOO_LARGE', `A body may have at most ${LIMITS.jsonBodyBytes} bytes.`)
