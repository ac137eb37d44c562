/** The directory with everything in it: buckets, blobs and what is being written. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { S3Error } from '../protocol/errors.ts'
import { Blobs, listDirectory } from './blobs.ts'
import { Bucket, type BucketSettings } from './bucket.ts'
import { readRecord } from './records.ts'

const bucketName = /^(?=.{3,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/

export class Disk {
  readonly #bucketsDir: string
  readonly #temporaryDir: string
  readonly #blobs: Blobs
  readonly #buckets = new Map<string, Bucket>()

  private constructor(dir: string) {
    this.#bucketsDir = join(dir, 'buckets')
    this.#temporaryDir = join(dir, 'tmp')
    this.#blobs = new Blobs(join(dir, 'blobs'), this.#temporaryDir)
  }

  /** Opens the directory and clears away what an earlier process was killed in the middle of. */
  static async open(dir: string): Promise<Disk> {
    const disk = new Disk(dir)
    await rm(disk.#temporaryDir, { recursive: true, force: true })
    for (const path of [disk.#temporaryDir, disk.#bucketsDir])
      await mkdir(path, { recursive: true, mode: 0o700 })
    const referenced = new Set<string>()
    for (const name of await listDirectory(disk.#bucketsDir)) {
      const settings = await readRecord<BucketSettings>(join(disk.#bucketsDir, name, 'bucket.json'))
      if (!settings) {
        // A bucket's record is the first file made and the first one removed: without it nothing was promised.
        await rm(join(disk.#bucketsDir, name), { recursive: true, force: true })
        continue
      }
      const bucket = disk.#makeBucket(settings)
      await bucket.load(referenced)
      disk.#buckets.set(name, bucket)
    }
    await disk.#blobs.collect(referenced)
    return disk
  }

  #makeBucket(settings: BucketSettings): Bucket {
    return new Bucket(join(this.#bucketsDir, settings.name), this.#temporaryDir, this.#blobs, settings)
  }

  buckets(): Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  findBucket(name: string): Bucket | null {
    return this.#buckets.get(name) ?? null
  }

  requireBucket(name: string): Bucket {
    const bucket = this.findBucket(name)
    if (!bucket) throw new S3Error('NoSuchBucket', undefined, { BucketName: name })
    return bucket
  }

  async createBucket(name: string, createdAt: number): Promise<Bucket> {
    if (!bucketName.test(name)) throw new S3Error('InvalidBucketName')
    if (this.#buckets.has(name)) throw new S3Error('BucketAlreadyOwnedByYou')
    const bucket = this.#makeBucket({ name, createdAt, cors: null, lifecycle: null, encryption: null })
    // Entered before it is saved, so that of two requests at once the second finds it taken.
    this.#buckets.set(name, bucket)
    try {
      await bucket.saveSettings({})
    } catch (err) {
      this.#buckets.delete(name)
      throw err
    }
    return bucket
  }

  async removeBucket(bucket: Bucket): Promise<void> {
    await bucket.destroy()
    this.#buckets.delete(bucket.name)
  }
}
