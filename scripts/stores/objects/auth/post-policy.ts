/** A signed policy: what its holder may upload by an HTML form. */
import { S3Error } from '../protocol/errors.ts'
import { resolveClaim, type Credentials, type Verified } from './authenticate.ts'
import { hmac, sameSignature } from './sigv4.ts'

/** Fields that no condition has to cover. */
const exempt = new Set(['file', 'policy', 'x-amz-signature'])

export interface SizeRange {
  min: number
  max: number
}

type Condition =
  | { kind: 'eq' | 'starts-with'; field: string; value: string }
  | { kind: 'size'; range: SizeRange }

function denied(text: string): S3Error {
  return new S3Error('AccessDenied', `Invalid according to Policy: ${text}`)
}

function parseList(item: unknown[]): Condition {
  const [operator, first, second] = item
  const kind = String(operator).toLowerCase()
  if (item.length !== 3) throw new S3Error('InvalidPolicyDocument')
  if (kind === 'content-length-range') {
    const range = { min: Number(first), max: Number(second) }
    if (!Number.isInteger(range.min) || !Number.isInteger(range.max) || range.min > range.max)
      throw new S3Error('InvalidPolicyDocument')
    return { kind: 'size', range }
  }
  if ((kind !== 'eq' && kind !== 'starts-with') || typeof first !== 'string' || typeof second !== 'string')
    throw new S3Error('InvalidPolicyDocument')
  if (!first.startsWith('$')) throw new S3Error('InvalidPolicyDocument')
  return { kind, field: first.slice(1).toLowerCase(), value: second }
}

function parseConditions(conditions: unknown): Condition[] {
  if (!Array.isArray(conditions)) throw new S3Error('InvalidPolicyDocument')
  return conditions.flatMap((item: unknown): Condition[] => {
    if (Array.isArray(item)) return [parseList(item)]
    if (typeof item !== 'object' || item === null) throw new S3Error('InvalidPolicyDocument')
    return Object.entries(item).map(([field, value]) => ({
      kind: 'eq',
      field: field.toLowerCase(),
      value: String(value),
    }))
  })
}

function parsePolicy(encoded: string): { expiresAt: number; conditions: Condition[] } {
  let policy: unknown
  try {
    policy = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'))
  } catch {
    throw new S3Error('InvalidPolicyDocument')
  }
  if (typeof policy !== 'object' || policy === null || !('expiration' in policy) || !('conditions' in policy))
    throw new S3Error('InvalidPolicyDocument')
  const expiresAt = Date.parse(String(policy.expiration))
  if (Number.isNaN(expiresAt)) throw new S3Error('InvalidPolicyDocument')
  return { expiresAt, conditions: parseConditions(policy.conditions) }
}

/** Checks that the policy is ours, without looking yet at what it allows. */
export function authenticateForm(fields: ReadonlyMap<string, string>, credentials: Credentials): Verified {
  const policy = fields.get('policy')
  const signature = fields.get('x-amz-signature')
  const credential = fields.get('x-amz-credential')
  const timestamp = fields.get('x-amz-date')
  if (
    !policy ||
    !signature ||
    !credential ||
    !timestamp ||
    fields.get('x-amz-algorithm') !== 'AWS4-HMAC-SHA256'
  )
    throw new S3Error('AccessDenied')
  if (fields.has('x-amz-security-token')) throw new S3Error('InvalidToken')
  const { key, scope } = resolveClaim({ credential, timestamp, signature }, credentials, 'InvalidRequest')
  if (!sameSignature(hmac(key, policy), signature)) throw new S3Error('SignatureDoesNotMatch')
  return { payloadHash: 'UNSIGNED-PAYLOAD', key, scope, timestamp, signature }
}

/** Holds the form to its policy and returns the size that the file may have. */
export function checkPolicy(fields: ReadonlyMap<string, string>, now: number): SizeRange {
  const { expiresAt, conditions } = parsePolicy(fields.get('policy') ?? '')
  if (now > expiresAt) throw denied('Policy expired.')
  const covered = new Set<string>()
  const size: SizeRange = { min: 0, max: Number.MAX_SAFE_INTEGER }
  for (const condition of conditions) {
    if (condition.kind === 'size') {
      size.min = Math.max(size.min, condition.range.min)
      size.max = Math.min(size.max, condition.range.max)
      continue
    }
    const value = fields.get(condition.field) ?? ''
    const holds = condition.kind === 'eq' ? value === condition.value : value.startsWith(condition.value)
    if (!holds) throw denied(`Policy Condition failed: ["${condition.kind}", "$${condition.field}"]`)
    covered.add(condition.field)
  }
  // What the policy does not mention is not allowed; otherwise a form could add headers at will.
  const extra = [...fields.keys()].find(
    (name) => !covered.has(name) && !exempt.has(name) && !name.startsWith('x-ignore-') && name !== 'bucket',
  )
  if (extra !== undefined) throw denied(`Extra input fields: ${extra}`)
  return size
}
