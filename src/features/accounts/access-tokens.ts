/** Access tokens: JWTs signed with the first configured key, verified with any of them and with nothing else. */
import { createHash } from 'node:crypto'
import { errors, importJWK, jwtVerify, SignJWT, type CryptoKey, type JWK } from 'jose'
import { ConfigError } from '../../config.ts'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { isUuid } from '../../wire/fields.ts'

const ISSUER = 'parley'
const AUDIENCE = 'parley'
const TYPE = 'at+jwt'

export const ACCESS_TOKEN_SECONDS = 15 * 60

/** Verifying ES256 costs some 100 µs, so that a token is verified once and then known by its hash. */
const VERIFIED_MAX = 20_000

interface Key {
  kid: string
  algorithm: 'ES256' | 'EdDSA'
  privateKey: CryptoKey
  publicKey: CryptoKey
  publicJwk: JWK
}

interface Verified {
  actor: DeviceActor
  expiresAtMs: number
}

export class AccessTokens {
  readonly #keys: Map<string, Key>
  readonly #signing: Key
  readonly #clock: Clock
  readonly #verified = new Map<string, Verified>()

  private constructor(keys: Key[], clock: Clock) {
    const [signing] = keys
    if (signing === undefined) throw new Error('no key to sign with')
    this.#signing = signing
    this.#keys = new Map(keys.map((key) => [key.kid, key]))
    if (this.#keys.size < keys.length) throw new Error('two keys have the same kid')
    this.#clock = clock
  }

  /** Throws a ConfigError where a configured key cannot sign: better at start than at the first sign-in. */
  static async open(privateJwks: readonly object[], clock: Clock): Promise<AccessTokens> {
    try {
      const keys = await Promise.all(privateJwks.map((jwk) => importKey(jwk as JWK)))
      return new AccessTokens(keys, clock)
    } catch (err) {
      const reason = err instanceof Error ? err.message : 'a key cannot be used'
      throw new ConfigError(`The environment is not usable:\n  JWT_PRIVATE_KEYS: ${reason}`)
    }
  }

  /** `issuedAt` is the database's time, so that all nodes agree on it. */
  sign(actor: DeviceActor, issuedAt: Date): Promise<string> {
    const seconds = Math.floor(issuedAt.getTime() / 1000)
    return new SignJWT({ sid: actor.sessionId, did: actor.deviceId })
      .setProtectedHeader({ alg: this.#signing.algorithm, kid: this.#signing.kid, typ: TYPE })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(actor.userId)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + ACCESS_TOKEN_SECONDS)
      .sign(this.#signing.privateKey)
  }

  /** Whose token it is. Says nothing about the session, which may have ended since. */
  async verify(token: string): Promise<DeviceActor> {
    const hash = createHash('sha256').update(token).digest('base64url')
    const known = this.#verified.get(hash)
    if (known !== undefined) {
      if (known.expiresAtMs <= this.#clock.now().getTime()) throw expired()
      this.#remember(hash, known)
      return known.actor
    }
    const verified = await this.#check(token)
    this.#remember(hash, verified)
    return verified.actor
  }

  /** The public keys, as `/.well-known/jwks.json` shows them. */
  jwks(): { keys: JWK[] } {
    return { keys: [...this.#keys.values()].map((key) => key.publicJwk) }
  }

  async #check(token: string): Promise<Verified> {
    try {
      const { payload } = await jwtVerify(
        token,
        ({ kid, alg }) => {
          const key = this.#keys.get(kid ?? '')
          if (key === undefined || key.algorithm !== alg) throw new errors.JWKSNoMatchingKey()
          return key.publicKey
        },
        {
          algorithms: ['ES256', 'EdDSA'],
          issuer: ISSUER,
          audience: AUDIENCE,
          typ: TYPE,
          requiredClaims: ['sub', 'sid', 'did', 'iat', 'exp'],
          currentDate: this.#clock.now(),
        },
      )
      const { sub, sid, did, exp } = payload
      if (!isId(sub) || !isId(sid) || !isId(did) || exp === undefined) throw wrong()
      return { actor: { userId: sub, sessionId: sid, deviceId: did }, expiresAtMs: exp * 1000 }
    } catch (err) {
      throw err instanceof errors.JWTExpired ? expired() : wrong()
    }
  }

  #remember(hash: string, verified: Verified): void {
    this.#verified.delete(hash)
    this.#verified.set(hash, verified)
    if (this.#verified.size <= VERIFIED_MAX) return
    const [oldest] = this.#verified.keys()
    if (oldest !== undefined) this.#verified.delete(oldest)
  }
}

const isId = (value: unknown): value is string => typeof value === 'string' && isUuid(value)

async function importKey(jwk: JWK): Promise<Key> {
  const algorithm = jwk.kty === 'EC' ? 'ES256' : 'EdDSA'
  const { kty, crv, x, y, kid } = jwk
  const point: JWK = { kty, crv, x, ...(y === undefined ? {} : { y }) } as JWK
  const [privateKey, publicKey] = await Promise.all([
    importJWK({ ...point, d: jwk.d } as JWK, algorithm),
    importJWK(point, algorithm),
  ])
  if (kid === undefined || privateKey instanceof Uint8Array || publicKey instanceof Uint8Array)
    throw new Error('a signing key must be an asymmetric private JWK with kid')
  // A private part that does not belong to its point imports without complaint; nobody could verify what it signs.
  const probe = await new SignJWT().setProtectedHeader({ alg: algorithm }).sign(privateKey)
  await jwtVerify(probe, publicKey)
  return { kid, algorithm, privateKey, publicKey, publicJwk: { ...point, kid, alg: algorithm, use: 'sig' } }
}

const wrong = () => new AppError('INVALID_TOKEN', 'The access token is not valid. Sign in again.')
const expired = () =>
  new AppError('TOKEN_EXPIRED', 'The access token has expired. Get a new one at POST /api/auth/refresh.')
