/** Uploads by an HTML form, under a signed policy. */
import { authenticateForm, checkPolicy, type SizeRange } from '../auth/post-policy.ts'
import type { Credentials } from '../auth/authenticate.ts'
import type { StoredObject } from '../disk/bucket.ts'
import { declaredChecksums, rawBytes } from '../protocol/body.ts'
import { startChecksum, type Checksum } from '../protocol/checksums.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { readForm, type Form } from '../protocol/form-data.ts'
import { leaf, xmlDocument } from '../protocol/xml.ts'
import { readObjectInfo } from '../rules/object-info.ts'
import { objectUrl, quoteEtag, writtenHeaders } from './answers.ts'
import { storeObject } from './store-object.ts'

function requireFormKey(form: Form): string {
  const key = (form.fields.get('key') ?? '').replaceAll('${filename}', () => form.fileName)
  if (key === '') throw new S3Error('InvalidArgument', "Bucket POST must contain a field named 'key'.")
  if (Buffer.byteLength(key) > 1024) throw new S3Error('KeyTooLongError')
  return key
}

async function* measured(form: Form, size: SizeRange, checksum: Checksum | null): AsyncGenerator<Buffer> {
  const running = checksum ? startChecksum(checksum.algorithm) : null
  let received = 0
  for await (const chunk of form.file) {
    received += chunk.length
    if (received > size.max) throw new S3Error('EntityTooLarge')
    running?.update(chunk)
    yield chunk
  }
  if (received < size.min) throw new S3Error('EntityTooSmall')
  if (running && running.digest().toString('base64') !== checksum?.value) throw new S3Error('BadDigest')
}

function sendPosted(exchange: Exchange, object: StoredObject, fields: ReadonlyMap<string, string>): void {
  const bucket = exchange.bucket().name
  const location = objectUrl(exchange, object.key)
  const headers = writtenHeaders(object)
  const redirect = fields.get('success_action_redirect')
  if (redirect && URL.canParse(redirect)) {
    const target = new URL(redirect)
    for (const [name, value] of Object.entries({ bucket, key: object.key, etag: quoteEtag(object.etag) }))
      target.searchParams.set(name, value)
    exchange.send(303, { ...headers, location: target.href })
  } else if (fields.get('success_action_status') === '201') {
    const children = [
      leaf('Location', location),
      leaf('Bucket', bucket),
      leaf('Key', object.key),
      leaf('ETag', quoteEtag(object.etag)),
    ]
    exchange.sendXml(201, xmlDocument('PostResponse', children), { ...headers, location })
  } else exchange.send(fields.get('success_action_status') === '200' ? 200 : 204, { ...headers, location })
}

export async function postObject(exchange: Exchange, credentials: Credentials): Promise<void> {
  const form = await readForm(rawBytes(exchange), exchange.headers.get('content-type') ?? '')
  const { fields } = form
  authenticateForm(fields, credentials)
  const bucket = exchange.bucket()
  // The bucket is in the URL, where the policy's condition has to be held against it.
  fields.set('bucket', bucket.name)
  const size = checkPolicy(fields, exchange.now())
  const key = requireFormKey(form)
  const read = (name: string) => fields.get(name) ?? null
  // In a form this field is the XML of the tags, unlike the header; refusing is better than storing it wrongly.
  if (fields.has('tagging')) throw new S3Error('NotImplemented', 'The tagging field is not implemented here.')
  const info = readObjectInfo([...fields.keys()], read, bucket.settings.encryption)
  const checksum = declaredChecksums(read)[0] ?? null
  const limits = { ...size, max: Math.min(size.max, exchange.limits.objectBytesMax) }
  const blob = await bucket.blobs.write(measured(form, limits, checksum))
  const object = await storeObject(
    bucket,
    { key, info, blob, checksum, modifiedAt: exchange.now() },
    () => undefined,
  )
  sendPosted(exchange, object, fields)
}
