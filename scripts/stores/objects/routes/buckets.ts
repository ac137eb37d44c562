import { readSmallBody } from '../protocol/body.ts'
import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { branch, leaf, xmlDocument } from '../protocol/xml.ts'
import { parseXml } from '../protocol/xml-reader.ts'
import { isoTime, ownerXml } from './answers.ts'

export function listBuckets(exchange: Exchange): void {
  const buckets = exchange.disk
    .buckets()
    .map(({ settings }) =>
      branch('Bucket', [leaf('Name', settings.name), leaf('CreationDate', isoTime(settings.createdAt))]),
    )
  exchange.sendXml(200, xmlDocument('ListAllMyBucketsResult', [ownerXml, branch('Buckets', buckets)]))
}

export async function createBucket(exchange: Exchange): Promise<void> {
  const body = await readSmallBody(exchange)
  const constraint =
    body.trim() === '' ? null : parseXml(body, 'CreateBucketConfiguration').value('LocationConstraint')
  if (constraint && constraint !== exchange.region) throw new S3Error('IllegalLocationConstraintException')
  const bucket = await exchange.disk.createBucket(exchange.bucketName ?? '', exchange.now())
  exchange.send(200, { location: `/${bucket.name}` })
}

export function headBucket(exchange: Exchange): void {
  exchange.bucket()
  exchange.send(200, { 'x-amz-bucket-region': exchange.region })
}

export async function deleteBucket(exchange: Exchange): Promise<void> {
  await exchange.disk.removeBucket(exchange.bucket())
  exchange.send(204)
}

/** The oldest region is written as an empty element. */
export function getLocation(exchange: Exchange): void {
  exchange.bucket()
  const region = exchange.region === 'us-east-1' ? '' : exchange.region
  exchange.sendXml(200, `<?xml version="1.0" encoding="UTF-8"?>\n${leaf('LocationConstraint', region)}`)
}

/** Versions are not kept, which is what an empty document says. */
export function getVersioning(exchange: Exchange): void {
  exchange.bucket()
  exchange.sendXml(200, xmlDocument('VersioningConfiguration', []))
}
