/** Multipart uploads in progress: one record for the upload, one for each part, and the parts' blobs. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checksum, ChecksumAlgorithm } from '../protocol/checksums.ts'
import { S3Error } from '../protocol/errors.ts'
import { listDirectory, type Blobs, type Segment } from './blobs.ts'
import type { ObjectInfo } from './bucket.ts'
import { KeyedLock } from './keyed-lock.ts'
import { readRecord, removeRecord, writeRecord } from './records.ts'

export interface Upload extends ObjectInfo {
  id: string
  key: string
  startedAt: number
  checksum: { algorithm: ChecksumAlgorithm; type: Checksum['type'] } | null
}

export interface Part {
  number: number
  etag: string
  modifiedAt: number
  segment: Segment
  checksum: Checksum | null
}

export class Uploads {
  readonly #dir: string
  readonly #temporaryDir: string
  readonly #blobs: Blobs
  readonly #lock = new KeyedLock()
  readonly #uploads = new Map<string, Upload>()

  constructor(dir: string, temporaryDir: string, blobs: Blobs) {
    this.#dir = dir
    this.#temporaryDir = temporaryDir
    this.#blobs = blobs
  }

  get size(): number {
    return this.#uploads.size
  }

  #partPath(uploadId: string, number: number): string {
    return join(this.#dir, uploadId, `${String(number).padStart(5, '0')}.json`)
  }

  /** Reads what was in progress. Blobs that objects own already were completed just before the process died. */
  async load(referenced: Set<string>): Promise<void> {
    for (const id of await listDirectory(this.#dir)) {
      const upload = await readRecord<Upload>(join(this.#dir, id, 'upload.json'))
      const parts = upload ? await this.#readParts(id) : []
      if (!upload || parts.some((part) => referenced.has(part.segment.id))) {
        await rm(join(this.#dir, id), { recursive: true, force: true })
        continue
      }
      this.#uploads.set(id, upload)
      for (const part of parts) referenced.add(part.segment.id)
    }
  }

  async create(given: Omit<Upload, 'id'>): Promise<Upload> {
    const upload = { ...given, id: randomBytes(24).toString('hex') }
    await writeRecord(join(this.#dir, upload.id, 'upload.json'), this.#temporaryDir, upload)
    this.#uploads.set(upload.id, upload)
    return upload
  }

  /** Only ids from the map reach a path, so that none can be made up. */
  require(uploadId: string, key: string): Upload {
    const upload = this.#uploads.get(uploadId)
    if (!upload || upload.key !== key) throw new S3Error('NoSuchUpload')
    return upload
  }

  list(): Upload[] {
    return [...this.#uploads.values()]
  }

  async #readParts(uploadId: string): Promise<Part[]> {
    const names = (await listDirectory(join(this.#dir, uploadId)))
      .filter((name) => /^\d{5}\.json$/.test(name))
      .sort()
    const parts: Part[] = []
    for (const name of names) {
      const part = await readRecord<Part>(join(this.#dir, uploadId, name))
      if (part) parts.push(part)
    }
    return parts
  }

  async listParts(uploadId: string): Promise<Part[]> {
    return this.#readParts(uploadId)
  }

  /** Stores a part, in place of an earlier one of that number. */
  async putPart(upload: Upload, part: Part): Promise<void> {
    await this.#lock.run(upload.id, async () => {
      if (!this.#uploads.has(upload.id)) throw new S3Error('NoSuchUpload')
      const path = this.#partPath(upload.id, part.number)
      const before = await readRecord<Part>(path)
      await writeRecord(path, this.#temporaryDir, part)
      if (before) await this.#blobs.remove([before.segment])
    })
  }

  /** Ends the upload by work that takes over some of its blobs; the others are removed. */
  async finish<T>(
    upload: Upload,
    work: (parts: Part[]) => Promise<{ kept: readonly Segment[]; result: T }>,
  ): Promise<T> {
    return this.#lock.run(upload.id, async () => {
      if (!this.#uploads.has(upload.id)) throw new S3Error('NoSuchUpload')
      const parts = await this.#readParts(upload.id)
      const { kept, result } = await work(parts)
      this.#uploads.delete(upload.id)
      // Without this record the rest counts as litter, should the process die in the middle of removing it.
      await removeRecord(join(this.#dir, upload.id, 'upload.json'))
      await rm(join(this.#dir, upload.id), { recursive: true, force: true })
      const keptIds = new Set(kept.map((segment) => segment.id))
      await this.#blobs.remove(
        parts.map((part) => part.segment).filter((segment) => !keptIds.has(segment.id)),
      )
      return result
    })
  }

  async abort(upload: Upload): Promise<void> {
    await this.finish(upload, async () => ({ kept: [], result: undefined }))
  }
}
