// The embedded object store as a process: killed, restarted, flooded with nonsense, and asked to end.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import * as S3 from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bucket, cut, ObjectStore, sendRaw, Signer } from './support/object-store.ts'
import { until } from './support/until.ts'

let store: ObjectStore
const Bucket = bucket
const mib = 1024 * 1024

beforeEach(async () => {
  store = await (await ObjectStore.create()).start()
})

afterEach(() => store.remove())

async function read(Key: string): Promise<Buffer> {
  const { Body } = await store.client().send(new S3.GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

const put = (Key: string, Body: string | Buffer) =>
  store.client().send(new S3.PutObjectCommand({ Bucket, Key, Body }))

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(join(store.dir, folder), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

/** A PUT of which only the first half is sent; the connection stays open. */
async function putHalf(key: string, size: number) {
  const headers = { 'content-length': String(size) }
  const raw = new Signer().sign(
    store.url,
    { method: 'PUT', path: `/${bucket}/${key}`, headers },
    'UNSIGNED-PAYLOAD',
  )
  const { hostname, port } = new URL(store.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const lines = Object.entries(raw.headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`PUT ${raw.path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  socket.write(randomBytes(size / 2))
  await until('the half upload reaches the disk', async () => (await filesBelow('tmp')).length > 0)
  return socket
}

it('prints one line, and listens on loopback only', async () => {
  expect(store.lines).toEqual([`listening ${store.url}`])
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address && !address.internal && address.family === 'IPv4')
  if (!outside) return
  const socket = connect(Number(new URL(store.url).port), outside.address)
  const [err] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  expect(err.code).toBe('ECONNREFUSED')
})

it('keeps objects, settings and unfinished uploads over a kill', async () => {
  const Key = 'upload'
  const data = randomBytes(5 * mib)
  const CORSRules = [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'] }]
  await put('kept', data)
  await store.client().send(new S3.PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  const upload = {
    Bucket,
    Key,
    UploadId: (await store.presigner().send(new S3.CreateMultipartUploadCommand({ Bucket, Key }))).UploadId,
  }
  const part = await store
    .presigner()
    .send(new S3.UploadPartCommand({ ...upload, PartNumber: 1, Body: data }))
  await store.end('SIGKILL')
  await store.start()
  expect((await read('kept')).equals(data)).toBe(true)
  expect((await store.client().send(new S3.GetBucketCorsCommand({ Bucket }))).CORSRules).toEqual(CORSRules)
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] }
  await store.client().send(new S3.CompleteMultipartUploadCommand({ ...upload, MultipartUpload }))
  await store.end('SIGKILL')
  await store.start()
  expect((await read(Key)).equals(data)).toBe(true)
})

it('leaves nothing of a PUT in whose middle it was killed, and the old object as it was', async () => {
  await put('old', 'before')
  const sockets = [await putHalf('old', 8 * mib), await putHalf('new', 8 * mib)]
  await store.end('SIGKILL')
  for (const socket of sockets) socket.destroy()
  await store.start()
  expect((await read('old')).toString()).toBe('before')
  await expect(read('new')).rejects.toMatchObject({ name: 'NoSuchKey' })
  expect([await filesBelow('tmp'), (await filesBelow('blobs')).length]).toEqual([[], 1])
})

it('never shows half an object, however often it is killed while objects are overwritten', async () => {
  const versions = ['a', 'b', 'c', 'd'].map((letter) => Buffer.alloc(300_000, letter))
  const acknowledged = new Map<string, number>()
  for (let round = 0; round < 4; round += 1) {
    const client = store.client()
    const writers = ['x', 'y', 'z'].map(async (Key) => {
      for (let turn = 0; ; turn += 1) {
        await client.send(new S3.PutObjectCommand({ Bucket, Key, Body: versions[turn % 4] ?? '' }))
        acknowledged.set(Key, (acknowledged.get(Key) ?? 0) + 1)
      }
    })
    const ended = Promise.allSettled(writers)
    await pause(150 + round * 37)
    await store.end('SIGKILL')
    await ended
    await store.start()
    for (const Key of acknowledged.keys()) {
      const found = await read(Key)
      expect(versions.some((version) => version.equals(found))).toBe(true)
    }
    expect((await filesBelow('blobs')).length).toBe((await filesBelow('buckets')).length - 1)
  }
  expect(Math.min(...acknowledged.values())).toBeGreaterThan(0)
})

it('drops an upload whose client goes away', async () => {
  const socket = await putHalf('gone', 8 * mib)
  socket.destroy()
  await until('the half is removed', async () => (await filesBelow('tmp')).length === 0)
  await expect(read('gone')).rejects.toMatchObject({ name: 'NoSuchKey' })
})

it('finishes a download of an object that is replaced meanwhile', async () => {
  const before = randomBytes(24 * mib)
  await put('file', before)
  const { Body } = await store.client().send(new S3.GetObjectCommand({ Bucket, Key: 'file' }))
  const stream = Body as Readable
  const [first] = (await once(stream, 'data')) as [Buffer]
  stream.pause()
  await put('file', 'after')
  const pieces = [first]
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.resume()
  await once(stream, 'end')
  expect(Buffer.concat(pieces).equals(before)).toBe(true)
  expect((await read('file')).toString()).toBe('after')
  await until('the old bytes are removed', async () => (await filesBelow('blobs')).length === 1)
})

it.runIf(process.platform === 'linux')('moves 256 MiB up and down without holding them', async () => {
  const piece = randomBytes(mib)
  const count = 256
  const sent = createHash('sha256')
  for (let n = 0; n < count; n += 1) sent.update(piece)
  const pieces = function* () {
    for (let n = 0; n < count; n += 1) yield piece
  }
  const Body = Readable.from(pieces(), { objectMode: false })
  const client = store.client({ requestStreamBufferSize: 64 * 1024 })
  await client.send(new S3.PutObjectCommand({ Bucket, Key: 'large', Body, ContentLength: count * mib }))
  const answer = await client.send(new S3.GetObjectCommand({ Bucket, Key: 'large' }))
  const received = createHash('sha256')
  for await (const chunk of answer.Body as Readable) received.update(chunk as Buffer)
  expect(received.digest('hex')).toBe(sent.digest('hex'))
  const status = await readFile(`/proc/${store.process.pid}/status`, 'utf8')
  const peakMib = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
  expect(peakMib).toBeGreaterThan(20)
  expect(peakMib).toBeLessThan(220)
})

it('outlives every bad request', async () => {
  const signer = new Signer()
  const signed = (method: string, path: string, body: string, extra: Record<string, string> = {}) => {
    const headers = { 'content-length': String(Buffer.byteLength(body)), ...extra }
    return {
      ...signer.sign(store.url, { method, path, headers }, 'UNSIGNED-PAYLOAD'),
      body: cut(Buffer.from(body), [7]),
    }
  }
  const deep = '<a>'.repeat(5000)
  const form = 'multipart/form-data; boundary=b'
  const requests = [
    ...[
      '%',
      '%ff',
      '/%00',
      `/${bucket}/%E0%A4`,
      `/${bucket}?list-type=2&max-keys=-1`,
      '/../../etc/passwd',
    ].map((path) => ({ method: 'GET', path, headers: {} })),
    ...[
      '',
      '<',
      deep,
      '<Delete/>',
      '<!DOCTYPE a [<!ENTITY b "c">]><Delete>&b;</Delete>',
      '<Delete>&#x110000;</Delete>',
      '\0',
    ].map((body) => signed('POST', `/${bucket}?delete=`, body)),
    signed('PUT', `/${bucket}?cors=`, '<CORSConfiguration>'),
    signed('PUT', `/${bucket}?lifecycle=`, '<LifecycleConfiguration><Rule/></LifecycleConfiguration>'),
    signed('PUT', `/${bucket}/copy`, '', { 'x-amz-copy-source': '%ZZ' }),
    signed('PUT', `/${bucket}/part?partNumber=x&uploadId=..%2F..`, 'x'),
    signed('PUT', `/${bucket}/bad`, 'x', { 'content-md5': '!' }),
    signed('PUT', `/${bucket}/bad`, 'x', { 'x-amz-trailer': 'x-amz-checksum-crc32' }),
    signed('GET', `/${bucket}/bad?response-content-type=a%0D%0Ab`, ''),
    ...[
      '',
      '--b',
      '--b\r\n\r\n',
      '--b\r\ncontent-disposition: form-data; name="key"\r\n\r\n',
      '--b--',
      'x'.repeat(40_000),
    ].map((body) => ({
      method: 'POST',
      path: `/${bucket}`,
      headers: { 'content-type': form },
      body: [Buffer.from(body)],
    })),
  ]
  for (const raw of requests) {
    const answer = await sendRaw(store.url, {
      ...raw,
      path: raw.path.startsWith('/') ? raw.path : `/${raw.path}`,
    })
    expect([raw.path, answer.status]).toEqual([
      raw.path,
      expect.toSatisfy((status: number) => status >= 400 && status < 500),
    ])
    expect(answer.text).toMatch(/<Code>\w+<\/Code>/)
  }
  const { hostname, port } = new URL(store.url)
  const garbage = [
    '\0\0\0\0',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET /${'a'.repeat(40_000)} HTTP/1.1\r\n`,
    'PUT / HTTP/1.1\r\ncontent-length: -5\r\n\r\n',
    'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
  ]
  for (const bytes of garbage) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined).end(bytes)
    socket.resume()
    await once(socket, 'close')
  }
  await put('alive', 'yes')
  expect((await read('alive')).toString()).toBe('yes')
  expect([store.process.exitCode, store.errors]).toEqual([null, []])
})

it('goes on with a connection on which it refused a body early', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (key: string, sizeBytes: number, payload: string) => {
    const headers = {
      'content-length': String(sizeBytes),
      'x-amz-decoded-content-length': String(sizeBytes - 1),
    }
    const raw = new Signer().sign(store.url, { method: 'PUT', path: `/${bucket}/${key}`, headers }, payload)
    const body = cut(Buffer.alloc(sizeBytes, 1), [10_000])
    return sendRaw(store.url, { ...raw, body, agent })
  }
  try {
    for (let turn = 0; turn < 5; turn += 1) {
      const chunks = await ask('refused', 300_000, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
      const size = await ask('refused', 300_000, 'nonsense')
      const good = await ask('good', 300_000, 'UNSIGNED-PAYLOAD')
      expect([chunks.status, size.status, good.status]).toEqual([400, 400, 200])
    }
  } finally {
    agent.destroy()
  }
})

it('lets only one process serve a directory', async () => {
  const error = await ObjectStore.at(store.dir)
    .start()
    .then(
      () => '',
      (err: Error) => err.message,
    )
  expect(error).toContain('already served by process')
})

it('ends on SIGTERM, on SIGINT, and with its parent', async () => {
  expect(await store.end('SIGTERM')).toBe(0)
  await store.start()
  expect(await store.end('SIGINT')).toBe(0)
  await store.start()
  store.process.stdin?.end()
  expect(await store.exited).toBe(0)
})

it('explains itself, and refuses what it was not told', async () => {
  const wrong = ObjectStore.at(store.dir)
    .start('--port', 'x')
    .catch((err: Error) => err.message)
  expect(await wrong).toMatch(/ended with 2: --port must be a whole number/)
  const help = ObjectStore.at(store.dir)
    .start('--help')
    .catch((err: Error) => err.message)
  expect(await help).toContain('S3-compatible object store')
})
