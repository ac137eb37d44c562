/** The body of a request, decoded and held to everything the request promised of it: size, hashes, signatures. */
import { createHash } from 'node:crypto'
import { decodeChunks } from '../auth/aws-chunked.ts'
import type { Verified } from '../auth/authenticate.ts'
import {
  checksumAlgorithms,
  checksumHeader,
  parseAlgorithm,
  requireDigest,
  startChecksum,
  type Checksum,
} from './checksums.ts'
import { S3Error } from './errors.ts'
import type { Exchange } from './exchange.ts'

const smallBodyBytesMax = 2 * 1024 * 1024

export interface IncomingBody {
  sizeBytes: number
  /** The data. It throws at its end where a promise was broken, so nothing may be kept before that. */
  chunks: AsyncIterable<Buffer>
  /** The checksum that held, known once the chunks have ended. */
  checksum: () => Checksum | null
}

/** Completing an upload, the checksum headers speak of the object that arises and not of the request's own body. */
export type ChecksumSubject = 'body' | 'object'

interface Promised {
  checksum: Checksum | null
  trailer: Pick<Checksum, 'algorithm'> | null
}

/** The raw bytes; leaving early does not tear down the connection, the answer still has to go out on it. */
export async function* rawBytes(exchange: Exchange): AsyncGenerator<Buffer> {
  if (exchange.expectsContinue) exchange.res.writeContinue()
  for await (const chunk of exchange.req.iterator({ destroyOnReturn: false })) yield chunk as Buffer
}

/** The checksums among the request's parameters, each well-formed. */
export function declaredChecksums(read: (name: string) => string | null): Checksum[] {
  return checksumAlgorithms.flatMap((algorithm) => {
    const value = read(checksumHeader(algorithm))
    return value === null
      ? []
      : [{ algorithm, value: requireDigest(algorithm, value), type: 'FULL_OBJECT' as const }]
  })
}

function promisedChecksum(exchange: Exchange): Promised {
  const declared = declaredChecksums((name) => exchange.parameter(name))
  const trailer = exchange.headers.get('x-amz-trailer')?.toLowerCase() ?? null
  const inTrailer = checksumAlgorithms.find((algorithm) => checksumHeader(algorithm) === trailer)
  if (trailer !== null && !inTrailer)
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported.')
  if (declared.length + (inTrailer ? 1 : 0) > 1)
    throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header.')
  const named = exchange.parameter('x-amz-sdk-checksum-algorithm')
  const algorithm = inTrailer ?? declared[0]?.algorithm ?? null
  if (named !== null && parseAlgorithm(named) !== algorithm)
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  return { checksum: declared[0] ?? null, trailer: inTrailer ? { algorithm: inTrailer } : null }
}

function requireLength(text: string | null): number {
  if (text === null || !/^\d{1,15}$/.test(text)) throw new S3Error('MissingContentLength')
  return Number(text)
}

function requireMd5(exchange: Exchange): Buffer | null {
  const text = exchange.headers.get('content-md5')
  if (text === null) return null
  const md5 = Buffer.from(text, 'base64')
  if (md5.length !== 16) throw new S3Error('InvalidDigest')
  return md5
}

interface Source {
  sizeBytes: number
  chunks: AsyncIterable<Buffer>
  sha256: string | null
  trailerValue: () => string | null
}

function openSource(exchange: Exchange, verified: Verified, promised: Promised): Source {
  const { payloadHash } = verified
  const raw = rawBytes(exchange)
  const streaming = /^STREAMING-(UNSIGNED-PAYLOAD|AWS4-HMAC-SHA256-PAYLOAD)(-TRAILER)?$/.exec(payloadHash)
  if (!streaming) {
    if (promised.trailer) throw new S3Error('InvalidRequest', 'A trailer needs a STREAMING- payload.')
    if (payloadHash !== 'UNSIGNED-PAYLOAD' && !/^[0-9a-f]{64}$/.test(payloadHash))
      throw new S3Error(
        'InvalidArgument',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-… or a sha256.',
      )
    const sizeBytes = requireLength(
      exchange.headers.get('content-length') ?? (exchange.req.method === 'POST' ? '0' : null),
    )
    const sha256 = payloadHash === 'UNSIGNED-PAYLOAD' ? null : payloadHash
    return { sizeBytes, chunks: raw, sha256, trailerValue: () => null }
  }
  const signed = streaming[1] !== 'UNSIGNED-PAYLOAD'
  const hasTrailer = streaming[2] !== undefined
  if (!signed && !hasTrailer)
    throw new S3Error('InvalidArgument', 'The x-amz-content-sha256 value is not known.')
  if (hasTrailer !== (promised.trailer !== null)) throw new S3Error('MalformedTrailerError')
  let value: string | null = null
  const trailer = promised.trailer ? checksumHeader(promised.trailer.algorithm) : null
  const chunks = decodeChunks(raw, verified, {
    signed,
    trailer,
    onTrailer: (given) => {
      value = given
    },
  })
  const sizeBytes = requireLength(exchange.headers.get('x-amz-decoded-content-length'))
  return { sizeBytes, chunks, sha256: null, trailerValue: () => value }
}

/** Refuses at once what its headers already rule out. */
export function openBody(
  exchange: Exchange,
  sizeBytesMax: number,
  subject: ChecksumSubject = 'body',
): IncomingBody {
  if (!exchange.verified) throw new S3Error('AccessDenied')
  const promised = subject === 'body' ? promisedChecksum(exchange) : { checksum: null, trailer: null }
  const md5Promised = requireMd5(exchange)
  const source = openSource(exchange, exchange.verified, promised)
  if (source.sizeBytes > sizeBytesMax) throw new S3Error('EntityTooLarge')
  let held: Checksum | null = null

  async function* chunks(): AsyncGenerator<Buffer> {
    const algorithm = promised.checksum?.algorithm ?? promised.trailer?.algorithm ?? null
    const running = algorithm ? startChecksum(algorithm) : null
    const sha256 = source.sha256 === null ? null : createHash('sha256')
    const md5 = md5Promised ? createHash('md5') : null
    let received = 0
    for await (const chunk of source.chunks) {
      received += chunk.length
      if (received > source.sizeBytes) throw new S3Error('IncompleteBody')
      running?.update(chunk)
      sha256?.update(chunk)
      md5?.update(chunk)
      yield chunk
    }
    if (received !== source.sizeBytes) throw new S3Error('IncompleteBody')
    if (sha256 && sha256.digest('hex') !== source.sha256) throw new S3Error('XAmzContentSHA256Mismatch')
    if (md5 && md5Promised && !md5.digest().equals(md5Promised)) throw new S3Error('BadDigest')
    if (!running || !algorithm) return
    const expected = requireDigest(algorithm, promised.checksum?.value ?? source.trailerValue() ?? '')
    if (running.digest().toString('base64') !== expected)
      throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
    held = { algorithm, value: expected, type: 'FULL_OBJECT' }
  }

  return { sizeBytes: source.sizeBytes, chunks: chunks(), checksum: () => held }
}

/** A whole small body, for the XML documents. */
export async function readSmallBody(exchange: Exchange, subject: ChecksumSubject = 'body'): Promise<string> {
  const body = openBody(exchange, Number.MAX_SAFE_INTEGER, subject)
  if (body.sizeBytes > smallBodyBytesMax) throw new S3Error('MaxMessageLengthExceeded')
  const pieces: Buffer[] = []
  for await (const piece of body.chunks) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}
