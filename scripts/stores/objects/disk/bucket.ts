/** One bucket: an object is there from the moment its record is, with every byte it names already on disk. */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CorsRule } from '../rules/cors-rules.ts'
import type { LifecycleRule } from '../rules/lifecycle-rules.ts'
import type { Checksum } from '../protocol/checksums.ts'
import { S3Error } from '../protocol/errors.ts'
import { listDirectory, type Blobs, type Segment } from './blobs.ts'
import { KeyedLock } from './keyed-lock.ts'
import { KeyIndex, type Summary } from './key-index.ts'
import { readRecord, removeRecord, writeRecord } from './records.ts'
import { Uploads, type Upload } from './uploads.ts'

export type Tag = readonly [string, string]

/** What travels with an object beside its bytes. */
export interface ObjectInfo {
  /** content-type and the other standard headers, in lower case. */
  headers: Record<string, string>
  metadata: Record<string, string>
  tags: Tag[]
  encryption: 'AES256' | null
}

export interface StoredObject extends ObjectInfo, Summary {
  segments: Segment[]
  checksum: Checksum | null
  /** The upload that made it: completing it again is then answered alike. */
  uploadId: string | null
}

export interface BucketSettings {
  name: string
  createdAt: number
  cors: CorsRule[] | null
  lifecycle: LifecycleRule[] | null
  encryption: 'AES256' | null
}

export interface HeldObject {
  object: StoredObject
  release: () => Promise<void>
}

/** Throws where the present state of a key forbids the change. */
export type Guard = (current: Summary | null) => void

export class Bucket {
  settings: BucketSettings
  readonly blobs: Blobs
  readonly uploads: Uploads
  readonly index = new KeyIndex()
  readonly #dir: string
  readonly #temporaryDir: string
  readonly #lock = new KeyedLock()
  #commits = 0
  #isRemoved = false

  constructor(dir: string, temporaryDir: string, blobs: Blobs, settings: BucketSettings) {
    this.#dir = dir
    this.#temporaryDir = temporaryDir
    this.blobs = blobs
    this.settings = settings
    this.uploads = new Uploads(join(dir, 'uploads'), temporaryDir, blobs)
  }

  get name(): string {
    return this.settings.name
  }

  /** Keys are hashed: none is a folder of another, none is too long for a file name, none leaves the directory. */
  #path(key: string): string {
    const hash = createHash('sha256').update(key).digest('hex')
    return join(this.#dir, 'objects', hash.slice(0, 2), `${hash}.json`)
  }

  async saveSettings(changes: Partial<BucketSettings>): Promise<void> {
    const settings = { ...this.settings, ...changes }
    await writeRecord(join(this.#dir, 'bucket.json'), this.#temporaryDir, settings)
    this.settings = settings
  }

  /** Fills the index from disk and adds every blob that is referred to. */
  async load(referenced: Set<string>): Promise<void> {
    const objects = join(this.#dir, 'objects')
    const summaries: Summary[] = []
    for (const shard of await listDirectory(objects)) {
      const names = await listDirectory(join(objects, shard))
      const records = await Promise.all(
        names.map((name) => readRecord<StoredObject>(join(objects, shard, name))),
      )
      for (const record of records) {
        if (!record) continue
        summaries.push(toSummary(record))
        for (const { id } of record.segments) referenced.add(id)
      }
    }
    this.index.load(summaries)
    await this.uploads.load(referenced)
  }

  /** Counts what is being written, so that the bucket is not removed from under it. */
  async #commit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isRemoved) throw new S3Error('NoSuchBucket')
    this.#commits += 1
    try {
      return await work()
    } finally {
      this.#commits -= 1
    }
  }

  /** The object with its blobs held, so that a change in the middle of a download does not cut it off. */
  async open(key: string): Promise<HeldObject | null> {
    return this.#lock.run(key, async () => {
      const object = this.index.get(key) && (await readRecord<StoredObject>(this.#path(key)))
      return object ? { object, release: this.blobs.hold(object.segments) } : null
    })
  }

  async requireObject(key: string): Promise<HeldObject> {
    const held = await this.open(key)
    if (!held) throw new S3Error('NoSuchKey', undefined, { Key: key })
    return held
  }

  async startUpload(given: Omit<Upload, 'id'>): Promise<Upload> {
    return this.#commit(() => this.uploads.create(given))
  }

  /** Makes the object the current one. An S3Error means that nothing was changed and its blobs are unused. */
  async put(object: StoredObject, guard: Guard): Promise<void> {
    await this.#commit(() =>
      this.#lock.run(object.key, async () => {
        const current = this.index.get(object.key)
        guard(current)
        const before = current && (await readRecord<StoredObject>(this.#path(object.key)))
        await writeRecord(this.#path(object.key), this.#temporaryDir, object)
        this.index.set(toSummary(object))
        if (before) await this.blobs.remove(before.segments)
      }),
    )
  }

  /** Changes what is kept beside the bytes, leaving them alone. */
  async amend(key: string, changes: Pick<StoredObject, 'tags'>): Promise<void> {
    await this.#lock.run(key, async () => {
      const object = this.index.get(key) && (await readRecord<StoredObject>(this.#path(key)))
      if (!object) throw new S3Error('NoSuchKey')
      await writeRecord(this.#path(key), this.#temporaryDir, { ...object, ...changes })
    })
  }

  async remove(key: string, guard: Guard = () => undefined): Promise<void> {
    await this.#lock.run(key, async () => {
      guard(this.index.get(key))
      const object = this.index.get(key) && (await readRecord<StoredObject>(this.#path(key)))
      if (!object) return
      // The record goes first: a crash in between leaves an unseen blob, never an object without its bytes.
      await removeRecord(this.#path(key))
      this.index.delete(key)
      await this.blobs.remove(object.segments)
    })
  }

  /** Removes the bucket's own files, once it is empty and nothing is being written to it. */
  async destroy(): Promise<void> {
    if (this.index.size > 0 || this.#commits > 0 || this.uploads.size > 0) throw new S3Error('BucketNotEmpty')
    this.#isRemoved = true
    await rm(join(this.#dir, 'bucket.json'), { force: true })
    await rm(this.#dir, { recursive: true, force: true })
  }
}

function toSummary(object: Summary): Summary {
  return { key: object.key, sizeBytes: object.sizeBytes, etag: object.etag, modifiedAt: object.modifiedAt }
}
