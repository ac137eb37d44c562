// The embedded object store through the real S3 client: what it accepts, what it refuses, what comes back.
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import * as S3 from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucket, cut, keys, ObjectStore, sendRaw, Signer, type RawRequest } from './support/object-store.ts'

let store: ObjectStore
let s3: S3.S3Client
let presigner: S3.S3Client
const Bucket = bucket
const data = randomBytes(5 * 1024 * 1024 + 7)

beforeAll(async () => {
  store = await (await ObjectStore.create()).start()
  s3 = store.client()
  presigner = store.presigner()
})

afterAll(() => store.remove())

async function read(Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new S3.GetObjectCommand({ Bucket, Key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}

async function exists(Key: string): Promise<boolean> {
  const { Contents = [] } = await s3.send(new S3.ListObjectsV2Command({ Bucket, Prefix: Key }))
  return Contents.some((item) => item.Key === Key)
}

const put = (Key: string, Body: string | Buffer = 'x') =>
  s3.send(new S3.PutObjectCommand({ Bucket, Key, Body }))

const at = (ms: number) => new Date(Date.now() + ms)

describe('signatures', () => {
  const target: RawRequest = { method: 'PUT', path: `/${bucket}/signed`, headers: { 'content-length': '1' } }
  const body = [Buffer.from('x')]
  const sign = (signer: Signer, payload = 'UNSIGNED-PAYLOAD') => signer.sign(store.url, target, payload)
  const changed = (change: Partial<RawRequest>) => ({ ...sign(new Signer()), ...change })
  const withHeader = (name: string, value: string) => {
    const raw = sign(new Signer())
    return { ...raw, headers: { ...raw.headers, [name]: value } }
  }
  const cases: [string, () => RawRequest, number, string][] = [
    ['no signature', () => target, 403, 'AccessDenied'],
    ['another secret', () => sign(new Signer({ secret: 'nope' })), 403, 'SignatureDoesNotMatch'],
    [
      'an unknown key',
      () => new Signer().sign(store.url, target, 'UNSIGNED-PAYLOAD', 'who'),
      403,
      'InvalidAccessKeyId',
    ],
    ['another region', () => sign(new Signer({ region: 'eu-west-1' })), 400, 'AuthorizationHeaderMalformed'],
    ['a clock 16 minutes behind', () => sign(new Signer({ at: at(-960_000) })), 403, 'RequestTimeTooSkewed'],
    ['a clock 16 minutes ahead', () => sign(new Signer({ at: at(960_000) })), 403, 'RequestTimeTooSkewed'],
    ['another key', () => changed({ path: `/${bucket}/other` }), 403, 'SignatureDoesNotMatch'],
    ['another query', () => changed({ path: `/${bucket}/signed?tagging` }), 403, 'SignatureDoesNotMatch'],
    ['another method', () => changed({ method: 'DELETE' }), 403, 'SignatureDoesNotMatch'],
    ['an unsigned x-amz- header', () => withHeader('x-amz-meta-a', 'b'), 403, 'AccessDenied'],
    ['a changed signed header', () => withHeader('content-length', '2'), 403, 'SignatureDoesNotMatch'],
    [
      'a truncated signature',
      () => withHeader('authorization', 'AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0'),
      400,
      'AuthorizationHeaderMalformed',
    ],
    ['a session token', () => withHeader('x-amz-security-token', 'abc'), 400, 'InvalidToken'],
    [
      'the hash of another body',
      () => sign(new Signer(), createHash('sha256').update('y').digest('hex')),
      400,
      'XAmzContentSHA256Mismatch',
    ],
  ]
  it.each(cases)('refuses %s', async (_name, make, status, code) => {
    const raw = make()
    const sent = raw.headers['content-length'] === '2' ? [Buffer.from('xx')] : body
    const answer = await sendRaw(store.url, { ...raw, body: sent })
    expect([answer.status, /<Code>(\w+)/.exec(answer.text)?.[1]]).toEqual([status, code])
    expect(answer.text).not.toContain(keys.secretAccessKey)
    expect(await exists('signed')).toBe(false)
  })

  it('accepts the untampered request that these were made of', async () => {
    const signer = new Signer({ at: at(-800_000) })
    expect((await sendRaw(store.url, { ...sign(signer), body })).status).toBe(200)
    await s3.send(new S3.DeleteObjectCommand({ Bucket, Key: 'signed' }))
  })

  it('opens a presigned URL only as it was signed, and only in its time', async () => {
    await put('a/b c.txt', 'hello')
    const command = new S3.GetObjectCommand({ Bucket, Key: 'a/b c.txt', ResponseContentType: 'text/x' })
    const url = await getSignedUrl(presigner, command, { expiresIn: 60 })
    const answer = await fetch(url)
    expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([
      200,
      'hello',
      'text/x',
    ])
    const denied = [
      url.replace(/Signature=..../, 'Signature=0000'),
      url.replace('Expires=60', 'Expires=61'),
      url.replace('b%20c', 'b%20d'),
      `${url}&response-content-disposition=inline`,
      `${store.url}/${bucket}/a/b%20c.txt`,
      await getSignedUrl(presigner, command, { expiresIn: 5, signingDate: at(-6000) }),
      await getSignedUrl(presigner, command, { expiresIn: 5, signingDate: at(960_000) }),
    ]
    for (const bad of denied)
      expect([bad.slice(-40), (await fetch(bad)).status]).toEqual([bad.slice(-40), 403])
    expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(403)
    expect((await fetch(url.replace('Expires=60', 'Expires=999999'))).status).toBe(400)
  })

  it('binds a presigned PUT to type, length and content', async () => {
    const ChecksumSHA256 = createHash('sha256').update('abc').digest('base64')
    const command = new S3.PutObjectCommand({
      Bucket,
      Key: 'bound',
      ContentType: 'image/png',
      ContentLength: 3,
      ChecksumSHA256,
    })
    const url = await getSignedUrl(presigner, command, {
      signableHeaders: new Set(['content-type', 'content-length']),
      unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
    })
    const send = (body: string, type: string, sum = ChecksumSHA256) =>
      fetch(url, { method: 'PUT', body, headers: { 'content-type': type, 'x-amz-checksum-sha256': sum } })
    const statuses: number[] = []
    for (const args of [
      ['abcd', 'image/png'],
      ['abc', 'text/html'],
      ['abd', 'image/png'],
      ['abd', 'image/png', createHash('sha256').update('abd').digest('base64')],
    ] as const)
      statuses.push((await send(args[0], args[1], args[2])).status)
    expect(statuses).toEqual([403, 403, 400, 403])
    expect(await exists('bound')).toBe(false)
    expect((await send('abc', 'image/png')).status).toBe(200)
  })

  it('holds a form upload to its policy', async () => {
    const make = async (change: (form: FormData) => void, size = 100) => {
      const { url, fields } = await createPresignedPost(presigner, {
        Bucket,
        Key: 'form/${filename}',
        Conditions: [
          ['content-length-range', 10, 1000],
          ['starts-with', '$Content-Type', 'image/'],
        ],
        Fields: { 'Content-Type': 'image/png', 'x-amz-meta-by': 'form' },
        Expires: 60,
      })
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      change(form)
      form.append('file', new Blob([data.subarray(0, size)]), 'pic.png')
      return (await fetch(url, { method: 'POST', body: form })).status
    }
    const changes: [number, (form: FormData) => void, number?][] = [
      [400, () => undefined, 9],
      [400, () => undefined, 1001],
      [403, (form) => form.set('Content-Type', 'text/html')],
      [403, (form) => form.set('key', 'elsewhere')],
      [403, (form) => form.set('Cache-Control', 'max-age=1')],
      [403, (form) => form.set('X-Amz-Signature', '0'.repeat(64))],
      [
        403,
        (form) =>
          form.set(
            'Policy',
            Buffer.from('{"expiration":"2999-01-01T00:00:00Z","conditions":[]}').toString('base64'),
          ),
      ],
      [403, (form) => form.delete('Policy')],
    ]
    for (const [status, change, size] of changes)
      expect([change.toString(), await make(change, size)]).toEqual([change.toString(), status])
    expect(await exists('form/pic.png')).toBe(false)
    expect(await make(() => undefined)).toBe(204)
    const head = await s3.send(new S3.HeadObjectCommand({ Bucket, Key: 'form/pic.png' }))
    expect([head.ContentLength, head.ContentType, head.Metadata]).toEqual([100, 'image/png', { by: 'form' }])
  })

  it('takes a form whose policy says nothing of a type', async () => {
    const { url, fields } = await createPresignedPost(presigner, { Bucket, Key: 'plain', Expires: 60 })
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.set(name, value)
    form.append('file', new Blob(['plain'], { type: 'text/html' }), 'a.html')
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(204)
    const head = await s3.send(new S3.HeadObjectCommand({ Bucket, Key: 'plain' }))
    expect([head.ContentLength, head.ContentType]).toEqual([5, 'application/octet-stream'])
  })
})

/** A body in signed chunks; the parts of it are open to tampering. */
function chunked(
  sizes: number[],
  tamper: (pieces: Buffer[]) => Buffer[] = (pieces) => pieces,
  sum?: string,
): RawRequest {
  const signer = new Signer()
  const name = 'x-amz-checksum-crc32'
  const expected = Buffer.alloc(4)
  expected.writeUInt32BE(crc32(data))
  const headers = {
    'content-encoding': 'aws-chunked',
    'x-amz-decoded-content-length': String(data.length),
    'x-amz-trailer': name,
    'transfer-encoding': 'chunked',
  }
  const { 'transfer-encoding': framing, ...covered } = headers
  const raw = signer.sign(
    store.url,
    { method: 'PUT', path: `/${bucket}/chunked`, headers: covered },
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  )
  const pieces = [...cut(data, sizes).map((piece) => signer.chunk(piece)), signer.chunk(Buffer.alloc(0))]
  const trailer = signer.trailer(name, sum ?? expected.toString('base64'))
  const stream = Buffer.concat([...tamper(pieces), trailer])
  return {
    ...raw,
    headers: { ...raw.headers, 'transfer-encoding': framing },
    body: cut(stream, [1, 2, 65_536, 17, 300_000, 8]),
  }
}

const flip = (pieces: Buffer[]) => {
  const piece = pieces[3]
  if (piece) piece[200] = (piece[200] ?? 0) ^ 1
  return pieces
}
const swap = ([first, second, ...rest]: Buffer[]) =>
  [second, first, ...rest].filter((piece) => piece !== undefined)

describe('bodies', () => {
  it.each(['CRC32', 'CRC32C', 'SHA256'] as const)(
    'takes a streamed body with a %s trailer and gives it back',
    async (ChecksumAlgorithm) => {
      const client = store.client({ requestStreamBufferSize: 64 * 1024 })
      const Body = Readable.from(cut(data, [1, 70_001, 3, 8191, 200_000]), { objectMode: false })
      const Key = `stream-${ChecksumAlgorithm}`
      await client.send(
        new S3.PutObjectCommand({
          Bucket,
          Key,
          Body,
          ContentLength: data.length,
          ChecksumAlgorithm,
          ContentEncoding: 'gzip',
        }),
      )
      const head = await s3.send(new S3.HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
      expect([head.ContentEncoding, head[`Checksum${ChecksumAlgorithm}`]]).toEqual([
        'gzip',
        expect.stringMatching(/=$/),
      ])
      expect((await read(Key)).equals(data)).toBe(true)
    },
  )

  it('takes signed chunks, wherever the network cuts them', async () => {
    expect((await sendRaw(store.url, chunked([8192, 100_001, 65_536]))).status).toBe(200)
    expect((await read('chunked')).equals(data)).toBe(true)
    await s3.send(new S3.DeleteObjectCommand({ Bucket, Key: 'chunked' }))
  })

  it.each([
    ['a changed byte', () => chunked([65_536], flip), 'SignatureDoesNotMatch'],
    ['two chunks swapped', () => chunked([65_536], swap), 'SignatureDoesNotMatch'],
    ['a chunk left out', () => chunked([65_536], (pieces) => pieces.slice(1)), 'SignatureDoesNotMatch'],
    ['the end left out', () => chunked([65_536], (pieces) => pieces.slice(0, -1)), 'InvalidRequest'],
    ['small chunks in the middle', () => chunked([8191]), 'InvalidChunkSize'],
    ['a wrong checksum', () => chunked([65_536], undefined, 'AAAAAA=='), 'BadDigest'],
  ])('refuses signed chunks with %s', async (_name, make, code) => {
    const answer = await sendRaw(store.url, make())
    expect(/<Code>(\w+)/.exec(answer.text)?.[1]).toBe(code)
    expect(await exists('chunked')).toBe(false)
  })

  it('refuses a wrong checksum, a wrong MD5, a missing length and a body beyond the limit', async () => {
    const small = await (await ObjectStore.create()).start('--max-object-bytes', '1000')
    try {
      const attempt = (client: S3.S3Client, input: Partial<S3.PutObjectCommandInput>) =>
        client.send(new S3.PutObjectCommand({ Bucket, Key: 'bad', Body: 'hello', ...input }))
      await expect(attempt(s3, { ChecksumCRC32: 'AAAAAA==' })).rejects.toThrow('CRC32')
      await expect(
        attempt(s3, { ContentMD5: createHash('md5').update('x').digest('base64') }),
      ).rejects.toMatchObject({ name: 'BadDigest' })
      await expect(attempt(small.client(), { Body: data })).rejects.toMatchObject({ name: 'EntityTooLarge' })
      const raw = new Signer().sign(
        store.url,
        { method: 'PUT', path: `/${bucket}/bad`, headers: {} },
        'UNSIGNED-PAYLOAD',
      )
      const answer = await sendRaw(store.url, {
        ...raw,
        headers: { ...raw.headers, 'transfer-encoding': 'chunked' },
        body: [data],
      })
      expect(answer.status).toBe(411)
      expect(await exists('bad')).toBe(false)
    } finally {
      await small.remove()
    }
  })
})

describe('multipart', () => {
  it('joins the parts that lib-storage sends', async () => {
    const whole = Buffer.concat([data, data, data])
    const Body = Readable.from(cut(whole, [100_003]), { objectMode: false })
    await new Upload({ client: s3, params: { Bucket, Key: 'video', Body, ContentType: 'video/mp4' } }).done()
    expect((await read('video')).equals(whole)).toBe(true)
    const middle = await s3.send(
      new S3.GetObjectCommand({ Bucket, Key: 'video', Range: `bytes=5242870-10485770` }),
    )
    expect(
      Buffer.from((await middle.Body?.transformToByteArray()) ?? []).equals(
        whole.subarray(5242870, 10485771),
      ),
    ).toBe(true)
  })

  it('insists on the right parts, completes once and answers the same again', async () => {
    const Key = 'parts'
    const { UploadId } = await s3.send(new S3.CreateMultipartUploadCommand({ Bucket, Key }))
    const send = async (PartNumber: number, Body: Buffer) => {
      const { ETag } = await presigner.send(
        new S3.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }),
      )
      return { PartNumber, ETag }
    }
    const complete = (Parts: S3.CompletedPart[]) =>
      s3.send(new S3.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
    const small = await send(1, Buffer.from('small'))
    const last = await send(7, Buffer.from('end'))
    await expect(complete([small, last])).rejects.toMatchObject({ name: 'EntityTooSmall' })
    await expect(complete([last, small])).rejects.toMatchObject({ name: 'InvalidPartOrder' })
    await expect(complete([{ ...small, ETag: '"0"' }])).rejects.toMatchObject({ name: 'InvalidPart' })
    await expect(complete([{ ...small, PartNumber: 2 }])).rejects.toMatchObject({ name: 'InvalidPart' })
    const first = await send(1, data)
    const page = await s3.send(new S3.ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 1 }))
    expect([page.Parts?.length, page.IsTruncated, page.Parts?.[0]?.Size]).toEqual([1, true, data.length])
    const { ETag } = await complete([first, last])
    expect(ETag).toMatch(/-2"$/)
    expect((await complete([first, last])).ETag).toBe(ETag)
    expect((await read(Key)).equals(Buffer.concat([data, Buffer.from('end')]))).toBe(true)
    expect(
      (await s3.send(new S3.ListMultipartUploadsCommand({ Bucket, Prefix: Key }))).Uploads ?? [],
    ).toEqual([])
  })

  it('forgets an aborted upload', async () => {
    const Key = 'aborted'
    const { UploadId } = await s3.send(new S3.CreateMultipartUploadCommand({ Bucket, Key }))
    await presigner.send(new S3.UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' }))
    await s3.send(new S3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
    await expect(s3.send(new S3.ListPartsCommand({ Bucket, Key, UploadId }))).rejects.toMatchObject({
      name: 'NoSuchUpload',
    })
  })
})
