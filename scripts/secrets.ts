// The secrets that a server needs in development, made once per data folder.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Reads `secrets.env` of the data folder, making it the first time, and returns its variables. */
export async function loadDevelopmentSecrets(dataDir: string): Promise<Record<string, string>> {
  const path = join(dataDir, 'secrets.env')
  const stored = await readFile(path, 'utf8').catch(() => null)
  if (stored !== null) return parseLines(stored)
  await mkdir(dataDir, { recursive: true })
  const draft = `${path}.${process.pid}`
  const lines = [`ID_SECRET=${randomBytes(32).toString('base64url')}`, `JWT_PRIVATE_KEYS=${signingKeys()}`]
  await writeFile(draft, `${lines.join('\n')}\n`, { mode: 0o600 })
  // A link fails where the file exists: of two nodes that start at once, both use the first one's secrets.
  await link(draft, path).catch(() => {})
  await rm(draft)
  return parseLines(await readFile(path, 'utf8'))
}

function signingKeys(): string {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
  const members = JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y })
  const kid = createHash('sha256').update(members).digest('base64url')
  return JSON.stringify([{ ...jwk, kid, alg: 'ES256', use: 'sig' }])
}

/** Reads `NAME=value` lines as they stand, without quotes or comments. */
export function parseLines(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line) => {
    const at = line.indexOf('=')
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : []
  })
  return Object.fromEntries(pairs)
}
