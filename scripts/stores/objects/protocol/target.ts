/** What a request line points at: bucket, key and query, decoded once and the same way for routing and signing. */
import { S3Error } from './errors.ts'

const keyBytesMax = 1024

export class Query {
  readonly pairs: readonly (readonly [string, string])[]

  constructor(pairs: readonly (readonly [string, string])[]) {
    this.pairs = pairs
  }

  has(name: string): boolean {
    return this.pairs.some(([key]) => key === name)
  }

  get(name: string): string | null {
    return this.pairs.find(([key]) => key === name)?.[1] ?? null
  }
}

export interface Target {
  path: string
  bucket: string | null
  key: string | null
  query: Query
}

/** Decodes percent escapes; broken ones, and bytes that are not UTF-8, are the client's mistake. */
export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error('InvalidURI')
  }
}

export function parseTarget(url: string): Target {
  if (!url.startsWith('/')) throw new S3Error('InvalidURI')
  const mark = url.indexOf('?')
  const path = percentDecode(mark === -1 ? url : url.slice(0, mark))
  const search = mark === -1 ? '' : url.slice(mark + 1)
  const pairs = search
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', ...rest] = part.replaceAll('+', ' ').split('=')
      return [percentDecode(name), percentDecode(rest.join('='))] as const
    })
  const slash = path.indexOf('/', 1)
  const bucket = slash === -1 ? path.slice(1) : path.slice(1, slash)
  const key = slash === -1 ? '' : path.slice(slash + 1)
  if (Buffer.byteLength(key) > keyBytesMax) throw new S3Error('KeyTooLongError')
  return { path, bucket: bucket || null, key: key || null, query: new Query(pairs) }
}
