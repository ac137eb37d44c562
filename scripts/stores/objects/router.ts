/** From method, path and query to the operation that S3 gives this combination. */
import { S3Error } from './protocol/errors.ts'
import type { Exchange } from './protocol/exchange.ts'
import { bucketConfig } from './routes/bucket-config.ts'
import {
  createBucket,
  deleteBucket,
  getLocation,
  getVersioning,
  headBucket,
  listBuckets,
} from './routes/buckets.ts'
import { completeUpload } from './routes/complete-upload.ts'
import { copyObject } from './routes/copy-object.ts'
import { deleteObject, deleteObjects } from './routes/delete-objects.ts'
import { getObject } from './routes/get-object.ts'
import { listObjectsV1, listObjectsV2 } from './routes/list-objects.ts'
import { copyPart, listParts, uploadPart } from './routes/parts.ts'
import { putObject } from './routes/put-object.ts'
import { objectTagging } from './routes/tagging.ts'
import { abortUpload, createUpload, listUploads } from './routes/uploads.ts'

export type Operation = (exchange: Exchange) => void | Promise<void>

/** Sub-resources of S3 that are not offered: answering them as if absent would do something else instead. */
const notOffered = [
  'accelerate',
  'acl',
  'analytics',
  'attributes',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'torrent',
  'versions',
  'website',
]

function bucketOperation(exchange: Exchange): Operation | null {
  const { query, req } = exchange
  for (const name of ['cors', 'lifecycle', 'encryption'] as const)
    if (query.has(name)) return () => bucketConfig(exchange, name)
  if (query.has('tagging')) throw new S3Error('NotImplemented')
  if (query.has('versioning')) return req.method === 'GET' ? getVersioning : notImplemented
  if (query.has('location')) return req.method === 'GET' ? getLocation : null
  if (query.has('uploads')) return req.method === 'GET' ? listUploads : null
  if (req.method === 'POST') return query.has('delete') ? deleteObjects : null
  if (req.method === 'GET') return query.get('list-type') === '2' ? listObjectsV2 : listObjectsV1
  if (req.method === 'PUT') return createBucket
  if (req.method === 'HEAD') return headBucket
  return req.method === 'DELETE' ? deleteBucket : null
}

function uploadOperation(exchange: Exchange): Operation | null {
  const { method } = exchange.req
  if (method === 'PUT') return exchange.parameter('x-amz-copy-source') === null ? uploadPart : copyPart
  if (method === 'GET') return listParts
  if (method === 'POST') return completeUpload
  return method === 'DELETE' ? abortUpload : null
}

function objectOperation(exchange: Exchange): Operation | null {
  const { query, req } = exchange
  const version = query.get('versionId')
  if (version !== null && version !== 'null') throw new S3Error('NoSuchVersion')
  if (query.has('tagging')) return objectTagging
  if (query.has('uploads')) return req.method === 'POST' ? createUpload : null
  if (query.has('uploadId')) return uploadOperation(exchange)
  if (req.method === 'GET' || req.method === 'HEAD') return getObject
  if (req.method === 'PUT') return exchange.parameter('x-amz-copy-source') === null ? putObject : copyObject
  return req.method === 'DELETE' ? deleteObject : null
}

function notImplemented(): never {
  throw new S3Error('NotImplemented')
}

export function route(exchange: Exchange): Operation {
  if (notOffered.some((name) => exchange.query.has(name))) return notImplemented
  let operation: Operation | null
  if (exchange.key !== null) operation = objectOperation(exchange)
  else if (exchange.bucketName !== null) operation = bucketOperation(exchange)
  else operation = exchange.req.method === 'GET' ? listBuckets : null
  if (!operation) throw new S3Error('MethodNotAllowed')
  return operation
}
