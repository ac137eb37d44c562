// The embedded object store: keys, conditions, ranges, CORS and lifecycle rules.
import { rm } from 'node:fs/promises'
import * as S3 from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startService } from '../scripts/stores/objects/service.ts'
import { bucket, keys, ObjectStore } from './support/object-store.ts'

let store: ObjectStore
let s3: S3.S3Client
const Bucket = bucket

beforeAll(async () => {
  store = await (await ObjectStore.create()).start('--cors-origin', 'http://localhost:3000')
  s3 = store.client()
})

afterAll(() => store.remove())

const put = (Key: string, more: Partial<S3.PutObjectCommandInput> = {}) =>
  s3.send(new S3.PutObjectCommand({ Bucket, Key, Body: 'x', ...more }))

async function text(Key: string, more: Partial<S3.GetObjectCommandInput> = {}): Promise<string> {
  const { Body } = await s3.send(new S3.GetObjectCommand({ Bucket, Key, ...more }))
  return (await Body?.transformToString()) ?? ''
}

/** The status with which a request was refused. */
async function refusal(request: Promise<unknown>): Promise<number | undefined> {
  return request.then(
    () => undefined,
    (err: S3.S3ServiceException) => err.$metadata.httpStatusCode,
  )
}

const awkward = [
  'k/a',
  'k/a/',
  'k/a/b',
  'k/a/b/c',
  'k/a.b',
  'k/aa',
  'k/../b',
  'k//',
  'k//x',
  'k/ +&=%2F?#',
  'k/ü/日本',
  'k/\u{ff5e}',
  'k/😀',
  'k/line\nbreak\t<&>"',
  'k/z',
]

it('keeps keys apart that are folders of one another, climb upwards or look alike', async () => {
  for (const key of awkward) await put(key, { Body: `body of ${key}` })
  for (const key of awkward) expect(await text(key)).toBe(`body of ${key}`)
  expect(await refusal(put(`k/${'x'.repeat(1023)}`))).toBe(400)
  const long = `long/${'ü'.repeat(500)}`
  await put(long)
  expect(await text(long)).toBe('x')
})

/** What a listing must give, by the plainest means. */
function model(prefix: string, delimiter: string): string[] {
  const found = new Set<string>()
  for (const key of awkward.filter((item) => item.startsWith(prefix))) {
    const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1
    found.add(at === -1 ? key : `${key.slice(0, at + delimiter.length)}*`)
  }
  return [...found].sort((a, b) =>
    Buffer.compare(Buffer.from(a.replace(/\*$/, '')), Buffer.from(b.replace(/\*$/, ''))),
  )
}

async function walk(input: S3.ListObjectsV2CommandInput): Promise<string[]> {
  const seen: string[] = []
  let token: string | undefined
  do {
    const page = await s3.send(
      new S3.ListObjectsV2Command({ ...input, ...(token === undefined ? {} : { ContinuationToken: token }) }),
    )
    const items = [
      ...(page.Contents ?? []).map((item) => item.Key ?? ''),
      ...(page.CommonPrefixes ?? []).map((item) => `${item.Prefix}*`),
    ]
    expect(page.KeyCount).toBe(items.length)
    expect(items.length).toBeLessThanOrEqual(input.MaxKeys ?? 1000)
    seen.push(...items)
    token = page.NextContinuationToken
    expect(page.IsTruncated).toBe(token !== undefined)
  } while (token !== undefined)
  return seen
}

it.each([
  ['k/', ''],
  ['k/', '/'],
  ['k/a', '/'],
  ['k/a/', '/'],
  ['k//', '/'],
  ['k/', 'a'],
  ['nothing', '/'],
  ['k/ü', '/'],
])('lists %j by delimiter %j alike in pages of every size', async (Prefix, Delimiter) => {
  const expected = model(Prefix, Delimiter)
  for (const MaxKeys of [1, 2, 3, 7, 1000]) {
    const seen = await walk({ Bucket, Prefix, MaxKeys, ...(Delimiter && { Delimiter }) })
    expect([...seen].sort()).toEqual([...expected].sort())
    if (Delimiter === '') expect(seen).toEqual(expected)
  }
})

it('lists from a key on, and by the older listing too', async () => {
  const rest = await walk({ Bucket, Prefix: 'k/', StartAfter: 'k/a/b/c' })
  expect(rest).toEqual(model('k/', '').slice(model('k/', '').indexOf('k/a/b/c') + 1))
  const first = await s3.send(new S3.ListObjectsCommand({ Bucket, Prefix: 'k/', MaxKeys: 4 }))
  const second = await s3.send(new S3.ListObjectsCommand({ Bucket, Prefix: 'k/', Marker: first.NextMarker }))
  const both = [...(first.Contents ?? []), ...(second.Contents ?? [])].map((item) => item.Key)
  expect(both).toEqual(model('k/', ''))
  expect(await refusal(s3.send(new S3.ListObjectsV2Command({ Bucket, ContinuationToken: '!' })))).toBe(400)
})

it('deletes many at once, and again', async () => {
  const Objects = ['d/1', 'd/2', 'd/<3>&'].map((Key) => ({ Key }))
  for (const { Key } of Objects) await put(Key)
  for (let turn = 0; turn < 2; turn += 1) {
    const { Deleted = [] } = await s3.send(new S3.DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(Deleted.map((item) => item.Key)).toEqual(Objects.map((item) => item.Key))
    expect(await walk({ Bucket, Prefix: 'd/' })).toEqual([])
  }
})

it('answers reads under conditions', async () => {
  const { ETag } = await put('cond')
  const { LastModified } = await s3.send(new S3.HeadObjectCommand({ Bucket, Key: 'cond' }))
  const before = new Date((LastModified?.getTime() ?? 0) - 1000)
  const get = (more: Partial<S3.GetObjectCommandInput>) => refusal(text('cond', more))
  expect(await get({ IfMatch: ETag })).toBe(undefined)
  expect(await get({ IfMatch: '"0"' })).toBe(412)
  expect(await get({ IfNoneMatch: ETag })).toBe(304)
  expect(await get({ IfNoneMatch: '"0"' })).toBe(undefined)
  expect(await get({ IfModifiedSince: LastModified })).toBe(304)
  expect(await get({ IfModifiedSince: before })).toBe(undefined)
  expect(await get({ IfUnmodifiedSince: before })).toBe(412)
  expect(await refusal(text('missing'))).toBe(404)
  expect(await refusal(s3.send(new S3.GetObjectCommand({ Bucket: 'missing', Key: 'cond' })))).toBe(404)
})

it('lets exactly one of many first writers win', async () => {
  const writers = Array.from({ length: 20 }, (_empty, n) =>
    put('race', { Body: `writer ${n}`, IfNoneMatch: '*' }).then(
      () => n,
      () => null,
    ),
  )
  const winners = (await Promise.all(writers)).filter((n) => n !== null)
  expect(winners).toHaveLength(1)
  expect(await text('race')).toBe(`writer ${winners[0]}`)
  const { ETag } = await s3.send(new S3.HeadObjectCommand({ Bucket, Key: 'race' }))
  const swaps = ['a', 'b', 'c'].map((Body) => refusal(put('race', { Body, IfMatch: ETag })))
  expect((await Promise.all(swaps)).filter((status) => status === 412)).toHaveLength(2)
})

it('serves ranges', async () => {
  await put('range', { Body: '0123456789' })
  const cases: [string, string, number?][] = [
    ['bytes=2-4', '234'],
    ['bytes=7-', '789'],
    ['bytes=-3', '789'],
    ['bytes=8-99', '89'],
    ['bytes=-99', '0123456789'],
    ['bytes=4-2', '0123456789'],
    ['lines=1-2', '0123456789'],
    ['bytes=10-', '', 416],
    ['bytes=-0', '', 416],
  ]
  for (const [Range, expected, status] of cases) {
    if (status) expect([Range, await refusal(text('range', { Range }))]).toEqual([Range, status])
    else expect([Range, await text('range', { Range })]).toEqual([Range, expected])
  }
})

it('copies with or without what is kept beside the bytes', async () => {
  await put('from', {
    Body: 'copied',
    ContentType: 'text/a',
    Metadata: { a: '1' },
    Tagging: 'k=v',
    ChecksumAlgorithm: 'SHA256',
  })
  const copy = (Key: string, more: Partial<S3.CopyObjectCommandInput> = {}) =>
    s3.send(new S3.CopyObjectCommand({ Bucket, Key, CopySource: `${bucket}/from`, ...more }))
  await copy('to')
  const kept = await s3.send(new S3.HeadObjectCommand({ Bucket, Key: 'to', ChecksumMode: 'ENABLED' }))
  expect([kept.ContentType, kept.Metadata, kept.ChecksumSHA256 === undefined]).toEqual([
    'text/a',
    { a: '1' },
    false,
  ])
  const { TagSet } = await s3.send(new S3.GetObjectTaggingCommand({ Bucket, Key: 'to' }))
  expect(TagSet).toEqual([{ Key: 'k', Value: 'v' }])
  await copy('to', { MetadataDirective: 'REPLACE', ContentType: 'text/b', TaggingDirective: 'REPLACE' })
  const replaced = await s3.send(new S3.HeadObjectCommand({ Bucket, Key: 'to' }))
  expect([replaced.ContentType, replaced.Metadata, await text('to')]).toEqual(['text/b', {}, 'copied'])
  expect(await refusal(copy('from'))).toBe(400)
  expect(await refusal(copy('to', { CopySource: `${bucket}/nope` }))).toBe(404)
  expect(await refusal(copy('to', { CopySourceIfMatch: '"0"' }))).toBe(412)
})

it('lets the origins of its CORS rules in, and no others', async () => {
  const ask = async (origin: string, method: string, headers: string) => {
    const answer = await fetch(`${store.url}/${bucket}/any`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers },
    })
    return [answer.status, answer.headers.get('access-control-allow-origin')]
  }
  expect(await ask('http://localhost:3000', 'PUT', 'content-type')).toEqual([200, 'http://localhost:3000'])
  expect(await ask('http://localhost:3001', 'PUT', 'content-type')).toEqual([403, null])
  expect(await ask('http://localhost:3000', 'DELETE', '')).toEqual([403, null])
  const plain = await fetch(`${store.url}/${bucket}/any`, { headers: { origin: 'http://localhost:3000' } })
  expect([plain.status, plain.headers.get('access-control-allow-origin')]).toEqual([
    403,
    'http://localhost:3000',
  ])
  const CORSRules = [
    { AllowedOrigins: ['https://*.example'], AllowedMethods: ['GET'], AllowedHeaders: ['x-*'] },
  ]
  await s3.send(new S3.PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  expect((await s3.send(new S3.GetBucketCorsCommand({ Bucket }))).CORSRules).toEqual(CORSRules)
  expect(await ask('https://app.example', 'GET', 'X-Any')).toEqual([200, 'https://app.example'])
  expect(await ask('https://app.example', 'GET', 'range')).toEqual([403, null])
})

it('refuses what it does not offer instead of pretending', async () => {
  const rule = { ID: 'r', Status: 'Enabled' as const, Filter: { Prefix: '' } }
  const transition = { ...rule, Transitions: [{ Days: 1, StorageClass: 'GLACIER' as const }] }
  const requests = [
    put('kms', { ServerSideEncryption: 'aws:kms' }),
    s3.send(new S3.PutBucketPolicyCommand({ Bucket, Policy: '{}' })),
    s3.send(new S3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
    s3.send(
      new S3.PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: [transition] },
      }),
    ),
    s3.send(new S3.GetObjectAclCommand({ Bucket, Key: 'cond' })),
  ]
  expect(await Promise.all(requests.map(refusal))).toEqual([501, 501, 501, 501, 501])
  expect(await refusal(put('public', { ACL: 'public-read' }))).toBe(400)
})

it('makes and removes buckets, but none that holds something', async () => {
  await s3.send(new S3.CreateBucketCommand({ Bucket: 'second' }))
  expect(await refusal(s3.send(new S3.CreateBucketCommand({ Bucket: 'second' })))).toBe(409)
  expect(await refusal(s3.send(new S3.CreateBucketCommand({ Bucket: 'No_Good' })))).toBe(400)
  await put('in', { Bucket: 'second' })
  expect(await refusal(s3.send(new S3.DeleteBucketCommand({ Bucket: 'second' })))).toBe(409)
  await s3.send(new S3.DeleteObjectCommand({ Bucket: 'second', Key: 'in' }))
  await s3.send(new S3.DeleteBucketCommand({ Bucket: 'second' }))
  const { Buckets = [] } = await s3.send(new S3.ListBucketsCommand({}))
  expect(Buckets.map((item) => item.Name)).toEqual([bucket])
})

it('removes objects and unfinished uploads when their rules say so, and not before', async () => {
  const aged = await ObjectStore.create()
  const clock = { ahead: 0 }
  const service = await startService({
    dataDir: aged.dir,
    port: 0,
    credentials: { ...keys, region: 'us-east-1' },
    bucket,
    corsOrigins: null,
    limits: { objectBytesMax: 1e6, partBytesMin: 1 },
    sweepMs: 3_600_000,
    now: () => Date.now() + clock.ahead,
    report: (_message, err) => expect(err).toBeUndefined(),
  })
  try {
    const client = store.client({ endpoint: service.url })
    const Rules: S3.LifecycleRule[] = [
      {
        ID: 'tmp',
        Status: 'Enabled',
        Filter: { Prefix: 'tmp/' },
        Expiration: { Days: 1 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 },
      },
      {
        ID: 'tag',
        Status: 'Enabled',
        Filter: { And: { Prefix: '', Tags: [{ Key: 'short', Value: 'yes' }] } },
        Expiration: { Days: 2 },
      },
      { ID: 'off', Status: 'Disabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } },
    ]
    await client.send(
      new S3.PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }),
    )
    expect((await client.send(new S3.GetBucketLifecycleConfigurationCommand({ Bucket }))).Rules).toHaveLength(
      3,
    )
    for (const Key of ['tmp/a', 'kept', 'tagged'])
      await client.send(
        new S3.PutObjectCommand({
          Bucket,
          Key,
          Body: 'x',
          ...(Key === 'tagged' && { Tagging: 'short=yes' }),
        }),
      )
    await client.send(new S3.CreateMultipartUploadCommand({ Bucket, Key: 'tmp/big' }))
    const left: string[] = []
    for (const ahead of [0, 2, 3, 4]) {
      clock.ahead = ahead * 24 * 3600 * 1000
      await service.sweep()
      clock.ahead = 0
      const { Contents = [] } = await client.send(new S3.ListObjectsV2Command({ Bucket }))
      const { Uploads = [] } = await client.send(new S3.ListMultipartUploadsCommand({ Bucket }))
      left.push([...Contents, ...Uploads].map((item) => item.Key).join(' '))
    }
    expect(left).toEqual(['kept tagged tmp/a tmp/big', 'kept tagged tmp/big', 'kept tmp/big', 'kept'])
  } finally {
    await service.close()
    await rm(aged.dir, { recursive: true, force: true })
  }
})
