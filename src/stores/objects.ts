/** The object store that holds the bytes of media: one S3 driver for the embedded store and for any other. */
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Config } from '../config.ts'
import { LIMITS } from '../lib/limits.ts'

export interface Objects {
  client: S3Client
  bucket: string
  ping(): Promise<void>
  close(): void
}

/** Null where no endpoint is configured: media are then off, everything else goes on. */
export function openObjects(config: Config): Objects | null {
  const { S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_BUCKET: bucket } = config
  if (!S3_ENDPOINT || !S3_ACCESS_KEY_ID || !S3_SECRET_ACCESS_KEY) return null
  const client = new S3Client({
    endpoint: S3_ENDPOINT,
    region: config.S3_REGION,
    credentials: { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY },
    forcePathStyle: true,
    // A presigned URL would otherwise carry the checksum of an empty body, which real stores refuse.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 2,
  })
  return {
    client,
    bucket,
    ping: async () => {
      await client.send(new HeadBucketCommand({ Bucket: bucket }), {
        abortSignal: AbortSignal.timeout(LIMITS.storeTimeoutMs),
      })
    },
    close: () => client.destroy(),
  }
}

/** Makes the bucket where it is missing; an answer that it is there already is fine. */
export async function makeBucket(objects: Objects): Promise<void> {
  await objects
    .ping()
    .catch(() =>
      objects.client.send(new CreateBucketCommand({ Bucket: objects.bucket })).catch(() => undefined),
    )
}
