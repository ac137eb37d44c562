import { exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { AccessTokens } from './access-tokens.ts'

const actor = {
  userId: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
  deviceId: '0199d1a2-7c55-7a01-8d3b-51c0e2f6a7b9',
  sessionId: '0199d1a2-7c56-7b90-b1c4-0e9f8a7d6c5b',
}
let now = new Date('2026-11-20T08:00:00Z')
const clock = { now: () => now }
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
let es256: JWK
let eddsa: JWK

async function privateJwk(algorithm: string, kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid }
}

beforeAll(async () => {
  es256 = await privateJwk('ES256', 'one')
  eddsa = await privateJwk('EdDSA', 'two')
})

const forged = async (header: Record<string, unknown>, claims: Record<string, unknown>): Promise<string> =>
  new SignJWT({ sid: actor.sessionId, did: actor.deviceId, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt', ...header })
    .sign(await importJWK(es256, 'ES256'))

const good = () => {
  const iat = Math.floor(now.getTime() / 1000)
  return { iss: 'parley', aud: 'parley', sub: actor.userId, iat, exp: iat + 60 }
}

test.each(['ES256', 'EdDSA'])(
  'a token signed with %s names its device on every node with those keys',
  async (algorithm) => {
    const keys = algorithm === 'ES256' ? [es256, eddsa] : [eddsa, es256]
    const signer = await AccessTokens.open(keys, clock)
    const other = await AccessTokens.open([es256, eddsa], clock)
    expect(await other.verify(await signer.sign(actor, now))).toEqual(actor)
  },
)

test('a token is expired after 15 minutes, also one that was verified before', async () => {
  const tokens = await AccessTokens.open([es256], clock)
  const token = await tokens.sign(actor, now)
  await tokens.verify(token)
  const before = now
  now = new Date(before.getTime() + 15 * 60_000)
  await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' })
  const fresh = await AccessTokens.open([es256], clock)
  await expect(fresh.verify(token)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' })
  now = before
})

test('a key that is not configured signs nothing that counts', async () => {
  const stranger = await AccessTokens.open([await privateJwk('ES256', 'one')], clock)
  const tokens = await AccessTokens.open([es256], clock)
  await expect(tokens.verify(await stranger.sign(actor, now))).rejects.toMatchObject({
    code: 'INVALID_TOKEN',
  })
})

test('the forger of these tests can make a good token', async () => {
  const tokens = await AccessTokens.open([es256], clock)
  expect(await tokens.verify(await forged({}, good()))).toEqual(actor)
})

test.each([
  ['another type', { typ: 'JWT' }, {}],
  ['an unknown key', { kid: 'three' }, {}],
  ["another key's name", { kid: 'two' }, {}],
  ['another issuer', {}, { iss: 'else' }],
  ['another audience', {}, { aud: 'else' }],
  ['a user that is no id', {}, { sub: 'alice' }],
  ['no session', {}, { sid: undefined }],
  ['no expiry', {}, { exp: undefined }],
])('a well-signed token with %s is refused', async (_what, header, claims) => {
  const tokens = await AccessTokens.open([es256, eddsa], clock)
  const token = await forged(header, { ...good(), ...claims })
  await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
})

test('an unsigned token is refused', async () => {
  const tokens = await AccessTokens.open([es256], clock)
  const token = `${part({ alg: 'none', kid: 'one', typ: 'at+jwt' })}.${part({ ...good(), sid: actor.sessionId, did: actor.deviceId })}.`
  await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
})

test('the published keys hold no private part', async () => {
  const { keys } = (await AccessTokens.open([es256, eddsa], clock)).jwks()
  expect(keys.map((key) => [key.kid, key.alg])).toEqual([
    ['one', 'ES256'],
    ['two', 'EdDSA'],
  ])
  expect(keys.every((key) => !('d' in key))).toBe(true)
})

test('a key that cannot sign ends the start with the name of the variable', async () => {
  const other = await privateJwk('ES256', 'one')
  const p384 = await privateJwk('ES384', 'three')
  for (const keys of [[{ ...es256, d: other.d }], [es256, { ...es256 }], [p384], [{ ...es256, x: 'AA' }]])
    await expect(AccessTokens.open(keys, clock)).rejects.toThrow(/JWT_PRIVATE_KEYS/)
})
