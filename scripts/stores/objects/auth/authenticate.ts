/** Decides whether a request was signed with our key, by its header or by its URL, and is fresh. */
import { S3Error, type FailureCode } from '../protocol/errors.ts'
import type { Headers } from '../protocol/headers.ts'
import type { Target } from '../protocol/target.ts'
import { canonicalRequest, sameSignature, hmac, signingKey, stringToSign, type Scope } from './sigv4.ts'

const skewMsMax = 15 * 60_000
const expiresSecondsMax = 7 * 24 * 3600
const algorithm = 'AWS4-HMAC-SHA256'

export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  region: string
}

/** What the body must still prove, and the key with which its chunks are signed. */
export interface Verified {
  payloadHash: string
  key: Buffer
  scope: Scope
  timestamp: string
  signature: string
}

export interface Claim {
  credential: string
  timestamp: string
  signature: string
}

/** Milliseconds of a timestamp such as 20260102T030405Z, or null. */
function parseTimestamp(text: string): number | null {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (!parts) return null
  const at = Date.parse(`${parts.slice(1, 4).join('-')}T${parts.slice(4, 7).join(':')}Z`)
  return Number.isNaN(at) ? null : at
}

/** Checks who signs, for which day and region, and gives the key to verify with. */
export function resolveClaim(
  claim: Claim,
  credentials: Credentials,
  malformed: FailureCode,
): { key: Buffer; scope: Scope; signedAt: number } {
  const [accessKeyId, date, region, service, terminator, ...rest] = claim.credential.split('/')
  const signedAt = parseTimestamp(claim.timestamp)
  if (!date || !region || service !== 's3' || terminator !== 'aws4_request' || rest.length > 0)
    throw new S3Error(malformed, 'The credential must be KEY/DATE/REGION/s3/aws4_request.')
  if (accessKeyId !== credentials.accessKeyId) throw new S3Error('InvalidAccessKeyId')
  if (region !== credentials.region)
    throw new S3Error(malformed, `The region '${region}' is wrong; expecting '${credentials.region}'.`, {
      Region: credentials.region,
    })
  if (signedAt === null) throw new S3Error('AccessDenied', 'A valid x-amz-date is required.')
  if (!claim.timestamp.startsWith(date)) throw new S3Error(malformed, 'The credential has another date.')
  const scope = { date, region }
  return { key: signingKey(credentials.secretAccessKey, scope), scope, signedAt }
}

function parseSignedHeaders(text: string, headers: Headers, malformed: FailureCode): string[] {
  const names = text.split(';')
  if (names.some((name) => !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) || new Set(names).size !== names.length)
    throw new S3Error(malformed, 'SignedHeaders is malformed.')
  if (!names.includes('host')) throw new S3Error(malformed, 'The host header must be signed.')
  // A header that changes what a request means must not be added by whoever holds a signed URL.
  const unsigned = headers.names().filter((name) => name.startsWith('x-amz-') && !names.includes(name))
  if (unsigned.length > 0)
    throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed.', {
      HeadersNotSigned: unsigned.join(', '),
    })
  return names.sort()
}

function verifyHeader(
  method: string,
  target: Target,
  headers: Headers,
  authorization: string,
  credentials: Credentials,
  now: number,
): Verified {
  const malformed = 'AuthorizationHeaderMalformed'
  const [scheme, ...rest] = authorization.split(' ')
  if (scheme !== algorithm) throw new S3Error('InvalidRequest', `Sign with ${algorithm}.`)
  const fields = new Map(
    rest
      .join(' ')
      .split(',')
      .map((part) => {
        const [name = '', ...value] = part.trim().split('=')
        return [name, value.join('=')] as const
      }),
  )
  const credential = fields.get('Credential')
  const signed = fields.get('SignedHeaders')
  const signature = fields.get('Signature')
  if (!credential || !signed || !signature) throw new S3Error(malformed)
  const timestamp = headers.get('x-amz-date') ?? ''
  const { key, scope, signedAt } = resolveClaim({ credential, timestamp, signature }, credentials, malformed)
  const payloadHash = headers.get('x-amz-content-sha256')
  if (payloadHash === null) throw new S3Error('MissingSecurityHeader')
  const signedHeaders = parseSignedHeaders(signed, headers, malformed)
  const query = target.query.pairs
  const canonical = canonicalRequest({
    method,
    path: target.path,
    query,
    headers,
    signedHeaders,
    payloadHash,
  })
  if (!sameSignature(hmac(key, stringToSign(timestamp, scope, canonical)), signature))
    throw new S3Error('SignatureDoesNotMatch')
  if (Math.abs(now - signedAt) > skewMsMax) throw new S3Error('RequestTimeTooSkewed')
  return { payloadHash, key, scope, timestamp, signature }
}

function verifyPresigned(
  method: string,
  target: Target,
  headers: Headers,
  credentials: Credentials,
  now: number,
): Verified {
  const malformed = 'AuthorizationQueryParametersError'
  const field = (name: string): string => {
    const values = target.query.pairs.filter(([key]) => key === name)
    const value = values[0]?.[1]
    if (!value || values.length > 1) throw new S3Error(malformed, `${name} is required, once.`)
    return value
  }
  if (field('X-Amz-Algorithm') !== algorithm)
    throw new S3Error(malformed, `X-Amz-Algorithm must be ${algorithm}.`)
  if (target.query.has('X-Amz-Security-Token')) throw new S3Error('InvalidToken')
  const timestamp = field('X-Amz-Date')
  const signature = field('X-Amz-Signature')
  const credential = field('X-Amz-Credential')
  const expires = field('X-Amz-Expires')
  const { key, scope, signedAt } = resolveClaim({ credential, timestamp, signature }, credentials, malformed)
  if (!/^\d{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > expiresSecondsMax)
    throw new S3Error(malformed, 'X-Amz-Expires must be between 1 and 604800 seconds.')
  const signedHeaders = parseSignedHeaders(field('X-Amz-SignedHeaders'), headers, malformed)
  const payloadHash =
    headers.get('x-amz-content-sha256') ?? target.query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD'
  const query = target.query.pairs.filter(([name]) => name !== 'X-Amz-Signature')
  const canonical = canonicalRequest({
    method,
    path: target.path,
    query,
    headers,
    signedHeaders,
    payloadHash,
  })
  if (!sameSignature(hmac(key, stringToSign(timestamp, scope, canonical)), signature))
    throw new S3Error('SignatureDoesNotMatch')
  if (now > signedAt + Number(expires) * 1000) throw new S3Error('AccessDenied', 'Request has expired.')
  if (signedAt > now + skewMsMax) throw new S3Error('AccessDenied', 'Request is not valid yet.')
  return { payloadHash, key, scope, timestamp, signature }
}

/** Returns what was proved, or throws; there is no anonymous access. */
export function authenticate(
  method: string,
  target: Target,
  headers: Headers,
  credentials: Credentials,
  now: number,
): Verified {
  const authorization = headers.get('authorization')
  const presigned = target.query.has('X-Amz-Signature') || target.query.has('X-Amz-Algorithm')
  if (headers.get('x-amz-security-token') !== null) throw new S3Error('InvalidToken')
  if (authorization !== null && presigned)
    throw new S3Error('InvalidArgument', 'Only one way of authentication is allowed.')
  if (authorization !== null) return verifyHeader(method, target, headers, authorization, credentials, now)
  if (presigned) return verifyPresigned(method, target, headers, credentials, now)
  throw new S3Error('AccessDenied')
}
