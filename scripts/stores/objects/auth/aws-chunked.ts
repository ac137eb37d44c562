/** Decodes the aws-chunked framing, checking each chunk's signature where the request carries them. */
import { createHash } from 'node:crypto'
import { ByteReader } from '../protocol/byte-reader.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Verified } from './authenticate.ts'
import { hmac, sameSignature, scopeText, sha256Hex } from './sigv4.ts'

const chunkBytesMin = 8192
const lineBytesMax = 1024
const trailersMax = 8
const emptyHash = sha256Hex('')

export interface ChunkedOptions {
  signed: boolean
  /** The trailer that x-amz-trailer announced, in lower case, or null where none follows. */
  trailer: string | null
  onTrailer: (value: string) => void
}

/** Each signature covers the one before it: chunks cannot be dropped, repeated or swapped. */
class SignatureChain {
  readonly #verified: Verified
  #previous: string

  constructor(verified: Verified) {
    this.#verified = verified
    this.#previous = verified.signature
  }

  #check(kind: string, hashes: string[], given: string): void {
    const { timestamp, scope, key } = this.#verified
    const text = [kind, timestamp, scopeText(scope), this.#previous, ...hashes].join('\n')
    if (!sameSignature(hmac(key, text), given)) throw new S3Error('SignatureDoesNotMatch')
    this.#previous = given
  }

  checkChunk(hash: string, given: string): void {
    this.#check('AWS4-HMAC-SHA256-PAYLOAD', [emptyHash, hash], given)
  }

  checkTrailer(text: string, given: string): void {
    this.#check('AWS4-HMAC-SHA256-TRAILER', [sha256Hex(text)], given)
  }
}

async function readTrailers(
  reader: ByteReader,
  chain: SignatureChain | null,
  options: ChunkedOptions,
): Promise<void> {
  const found = new Map<string, string>()
  for (;;) {
    const line = await reader.line(lineBytesMax)
    if (line === '') break
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (colon < 1 || found.has(name) || found.size === trailersMax) throw new S3Error('MalformedTrailerError')
    found.set(name, line.slice(colon + 1).trim())
  }
  const signature = found.get('x-amz-trailer-signature')
  found.delete('x-amz-trailer-signature')
  const value = options.trailer === null ? undefined : found.get(options.trailer)
  const expected = options.trailer === null ? 0 : 1
  if (found.size !== expected || (expected === 1 && !value)) throw new S3Error('MalformedTrailerError')
  if (value === undefined) return
  if (chain) chain.checkTrailer(`${options.trailer}:${value}\n`, signature ?? '')
  options.onTrailer(value)
}

/** The data within the chunks. What it yields may only be kept once it has come to its end. */
export async function* decodeChunks(
  source: AsyncIterable<Buffer>,
  verified: Verified,
  options: ChunkedOptions,
): AsyncGenerator<Buffer> {
  const reader = new ByteReader(source)
  const chain = options.signed ? new SignatureChain(verified) : null
  let sawShort = false
  for (;;) {
    const header = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(
      await reader.line(lineBytesMax),
    )
    if (!header) throw new S3Error('InvalidRequest', 'A chunk header is malformed.')
    const size = Number.parseInt(header[1] ?? '', 16)
    const signature = header[2] ?? ''
    if (size > 0 && sawShort) throw new S3Error('InvalidChunkSize')
    sawShort = size < chunkBytesMin
    const hash = chain ? createHash('sha256') : null
    for await (const piece of reader.take(size)) {
      hash?.update(piece)
      yield piece
    }
    if (size > 0 && (await reader.line(0)) !== '') throw new S3Error('InvalidRequest')
    if (chain && hash) chain.checkChunk(hash.digest('hex'), signature)
    if (size === 0) break
  }
  await readTrailers(reader, chain, options)
  if (!(await reader.atEnd())) throw new S3Error('InvalidRequest', 'There are bytes behind the last chunk.')
}
