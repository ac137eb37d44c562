// The embedded object store as a real process, with an S3 client and a signer that shares no code with it.
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request, type Agent, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'

export const bucket = 'media'
export const keys = { accessKeyId: 'parley-test', secretAccessKey: 'a secret/with+signs' }
const program = join(import.meta.dirname, '../../scripts/stores/objects/server.ts')

export class ObjectStore {
  readonly dir: string
  readonly lines: string[] = []
  readonly errors: string[] = []
  url = ''
  #process: ChildProcess | null = null
  #exited: Promise<number | null> = Promise.resolve(null)

  private constructor(dir: string) {
    this.dir = dir
  }

  /** Another process on a directory that there is already. */
  static at(dir: string): ObjectStore {
    return new ObjectStore(dir)
  }

  static async create(): Promise<ObjectStore> {
    return new ObjectStore(await mkdtemp(join(tmpdir(), 'parley-objects-')))
  }

  get process(): ChildProcess {
    if (!this.#process) throw new Error('the object store was not started')
    return this.#process
  }

  get exited(): Promise<number | null> {
    return this.#exited
  }

  async start(...extra: string[]): Promise<this> {
    const secrets = ['--access-key', keys.accessKeyId, '--secret-key', keys.secretAccessKey]
    const args = [
      '--import',
      'tsx',
      program,
      '--data',
      this.dir,
      '--bucket',
      bucket,
      '--with-parent',
      ...secrets,
      ...extra,
    ]
    const child = spawn(process.execPath, args, { stdio: 'pipe' })
    this.#process = child
    this.#exited = once(child, 'exit').then(([code]) => code as number | null)
    const started = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.lines.push(line)
        resolve(line)
      })
    })
    createInterface({ input: child.stderr }).on('line', (line) => this.errors.push(line))
    const first = await Promise.race([started, this.#exited.then((code) => `ended with ${code}`)])
    const found = /^listening (http:\/\/127\.0\.0\.1:\d+)$/.exec(first)
    if (!found?.[1]) throw new Error(`${first}: ${this.errors.join('\n')}`)
    this.url = found[1]
    return this
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.process.kill(signal)
    return this.#exited
  }

  async remove(): Promise<void> {
    if (this.#process) await this.end('SIGKILL')
    await rm(this.dir, { recursive: true, force: true })
  }

  client(config: S3ClientConfig = {}): S3Client {
    return new S3Client({
      region: 'us-east-1',
      endpoint: this.url,
      forcePathStyle: true,
      credentials: keys,
      maxAttempts: 1,
      ...config,
    })
  }

  /** A client for presigning: it leaves checksums of bodies it has not seen out of the URL. */
  presigner(): S3Client {
    return this.client({
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
  }
}

function hash(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export type RawRequest = {
  method: string
  path: string
  headers: Record<string, string>
  /** Written one by one, to cut the stream at places of the test's choosing. */
  body?: Buffer[]
  agent?: Agent
}

export type RawAnswer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Signs by the specification's own steps: every header given is covered. */
export class Signer {
  readonly timestamp: string
  readonly scope: string
  readonly #key: Buffer
  #previous = ''

  constructor(given: { at?: Date; region?: string; secret?: string } = {}) {
    const { at = new Date(), region = 'us-east-1', secret = keys.secretAccessKey } = given
    this.timestamp = at.toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
    const date = this.timestamp.slice(0, 8)
    this.scope = `${date}/${region}/s3/aws4_request`
    this.#key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${secret}`, date), region))
  }

  sign(url: string, raw: RawRequest, payload: string, accessKeyId = keys.accessKeyId): RawRequest {
    const added = { host: new URL(url).host, 'x-amz-date': this.timestamp, 'x-amz-content-sha256': payload }
    const headers: Record<string, string> = { ...raw.headers, ...added }
    const names = Object.keys(headers).sort()
    const [path = '', query = ''] = raw.path.split('?')
    const lines = names.map((name) => `${name}:${headers[name]}`)
    const canonical = [raw.method, path, query, ...lines, '', names.join(';'), payload].join('\n')
    const text = ['AWS4-HMAC-SHA256', this.timestamp, this.scope, hash(canonical)].join('\n')
    this.#previous = hmac(this.#key, text).toString('hex')
    const credential = `${accessKeyId}/${this.scope}`
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${this.#previous}`
    return { ...raw, headers }
  }

  #next(kind: string, ...hashes: string[]): string {
    this.#previous = hmac(
      this.#key,
      [kind, this.timestamp, this.scope, this.#previous, ...hashes].join('\n'),
    ).toString('hex')
    return this.#previous
  }

  chunk(data: Buffer): Buffer {
    const signature = this.#next('AWS4-HMAC-SHA256-PAYLOAD', hash(''), hash(data))
    const end = data.length > 0 ? '\r\n' : ''
    return Buffer.concat([
      Buffer.from(`${data.length.toString(16)};chunk-signature=${signature}\r\n`),
      data,
      Buffer.from(end),
    ])
  }

  trailer(name: string, value: string): Buffer {
    const signature = this.#next('AWS4-HMAC-SHA256-TRAILER', hash(`${name}:${value}\n`))
    return Buffer.from(`${name}:${value}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`)
  }
}

/** Sends exactly what it is given, each piece in a write of its own. */
export async function sendRaw(url: string, raw: RawRequest): Promise<RawAnswer> {
  const { method, path, headers, body = [], agent } = raw
  const req = request(`${url}${path}`, { method, headers, ...(agent && { agent }) })
  const answered = once(req, 'response')
  req.on('error', () => undefined)
  Readable.from(body).pipe(req)
  const [res] = (await answered) as [IncomingMessage]
  let text = ''
  for await (const piece of res.setEncoding('utf8')) text += String(piece)
  return { status: res.statusCode ?? 0, headers: res.headers, text }
}

/** Cuts the bytes into pieces of changing sizes, the same ones every time. */
export function cut(data: Buffer, sizes: number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < data.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    pieces.push(data.subarray(at, at + size))
    at += size
  }
  return pieces
}
