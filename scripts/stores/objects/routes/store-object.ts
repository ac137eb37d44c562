import type { Segment } from '../disk/blobs.ts'
import type { Bucket, Guard, ObjectInfo, StoredObject } from '../disk/bucket.ts'
import type { Checksum } from '../protocol/checksums.ts'
import { S3Error } from '../protocol/errors.ts'

export interface NewObject {
  key: string
  info: ObjectInfo
  blob: Segment & { md5: string }
  checksum: Checksum | null
  modifiedAt: number
}

/** Makes a freshly written blob the object of that key, or drops the blob where that is refused. */
export async function storeObject(bucket: Bucket, given: NewObject, guard: Guard): Promise<StoredObject> {
  const object: StoredObject = {
    ...given.info,
    key: given.key,
    sizeBytes: given.blob.sizeBytes,
    etag: given.blob.md5,
    modifiedAt: given.modifiedAt,
    segments: [{ id: given.blob.id, sizeBytes: given.blob.sizeBytes }],
    checksum: given.checksum,
    uploadId: null,
  }
  try {
    await bucket.put(object, guard)
  } catch (err) {
    // After any other error the record may be on disk and name this blob.
    if (err instanceof S3Error) await bucket.blobs.remove(object.segments)
    throw err
  }
  return object
}
