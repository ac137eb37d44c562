import { readSmallBody } from '../protocol/body.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { parseTagDocument } from '../rules/tags.ts'

/** Serves `?tagging` of an object. */
export async function objectTagging(exchange: Exchange): Promise<void> {
  const bucket = exchange.bucket()
  const key = exchange.requireKey()
  const { method } = exchange.req
  if (method === 'GET') {
    const { object, release } = await bucket.requireObject(key)
    await release()
    const tags = object.tags.map(([name, value]) => branch('Tag', [leaf('Key', name), leaf('Value', value)]))
    exchange.sendXml(200, xmlDocument('Tagging', [branch('TagSet', tags)]))
  } else if (method === 'PUT') {
    await bucket.amend(key, { tags: parseTagDocument(await readSmallBody(exchange)) })
    exchange.send(200)
  } else if (method === 'DELETE') {
    await bucket.amend(key, { tags: [] })
    exchange.send(204)
  } else throw new S3Error('MethodNotAllowed')
}
