import { readSmallBody } from '../protocol/body.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { parseXml, type XmlElement } from '../protocol/xml-reader.ts'
import { writeGuard } from '../rules/preconditions.ts'

const keysMax = 1000

/** Deleting what is not there succeeds too: after it, the key is gone. */
export async function deleteObject(exchange: Exchange): Promise<void> {
  const guard = writeGuard(exchange)
  await exchange.bucket().remove(exchange.requireKey(), guard)
  exchange.send(204)
}

async function deleteOne(exchange: Exchange, item: XmlElement): Promise<string> {
  const key = item.requireValue('Key')
  const etag = item.value('ETag')?.replaceAll('"', '') ?? null
  try {
    const version = item.value('VersionId')
    if (version !== null && version !== 'null') throw new S3Error('NoSuchVersion')
    await exchange.bucket().remove(key, (current) => {
      if (etag !== null && current?.etag !== etag) throw new S3Error('PreconditionFailed')
    })
    return branch('Deleted', [leaf('Key', key)])
  } catch (err) {
    if (!(err instanceof S3Error)) throw err
    return branch('Error', [leaf('Key', key), leaf('Code', err.code), leaf('Message', err.message)])
  }
}

export async function deleteObjects(exchange: Exchange): Promise<void> {
  exchange.bucket()
  const request = parseXml(await readSmallBody(exchange), 'Delete')
  const items = request.all('Object')
  if (items.length === 0 || items.length > keysMax) throw new S3Error('MalformedXML')
  const isQuiet = request.value('Quiet')?.trim() === 'true'
  const results: string[] = []
  for (const item of items) results.push(await deleteOne(exchange, item))
  const shown = isQuiet ? results.filter((result) => result.startsWith('<Error>')) : results
  exchange.sendXml(200, xmlDocument('DeleteResult', shown))
}
