/** One request with its answer, as the routes see it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Disk } from '../disk/disk.ts'
import type { Bucket } from '../disk/bucket.ts'
import type { Verified } from '../auth/authenticate.ts'
import { S3Error } from './errors.ts'
import type { Headers } from './headers.ts'
import type { Query } from './target.ts'

export interface Limits {
  objectBytesMax: number
  partBytesMin: number
}

/** What a request consists of before anyone has looked into it. */
export interface ExchangeParts {
  req: IncomingMessage
  res: ServerResponse
  requestId: string
  disk: Disk
  limits: Limits
  region: string
  now: () => number
  headers: Headers
  query: Query
  bucketName: string | null
  key: string | null
  /** The client waits for a go before it sends the body. */
  expectsContinue: boolean
}

export class Exchange implements Readonly<ExchangeParts> {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly requestId: string
  readonly disk: Disk
  readonly limits: Limits
  readonly region: string
  readonly now: () => number
  readonly headers: Headers
  readonly query: Query
  readonly bucketName: string | null
  readonly key: string | null
  readonly expectsContinue: boolean
  verified: Verified | null = null

  constructor(given: ExchangeParts) {
    this.req = given.req
    this.res = given.res
    this.requestId = given.requestId
    this.disk = given.disk
    this.limits = given.limits
    this.region = given.region
    this.now = given.now
    this.headers = given.headers
    this.query = given.query
    this.bucketName = given.bucketName
    this.key = given.key
    this.expectsContinue = given.expectsContinue
  }

  bucket(): Bucket {
    return this.disk.requireBucket(this.bucketName ?? '')
  }

  requireKey(): string {
    if (this.key === null) throw new S3Error('MethodNotAllowed')
    return this.key
  }

  /** An `x-amz-` parameter: a header, or the query where a presigner hoisted it. */
  parameter(name: string): string | null {
    return this.headers.get(name) ?? this.query.get(name)
  }

  send(status: number, headers: Record<string, string | number> = {}): void {
    this.res.writeHead(
      status,
      status === 204 || status === 304 ? headers : { 'content-length': 0, ...headers },
    )
    this.res.end()
  }

  sendXml(status: number, body: string, headers: Record<string, string> = {}): void {
    this.res.writeHead(status, {
      'content-type': 'application/xml',
      'content-length': Buffer.byteLength(body),
      ...headers,
    })
    this.res.end(this.req.method === 'HEAD' ? undefined : body)
  }
}
