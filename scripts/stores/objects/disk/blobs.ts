/**
 * Immutable files of bytes under random names. A record elsewhere decides whether a blob is part of an object, so a
 * half-written or forgotten blob is invisible, and `collect` removes it at the next start.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing, syncDirectory } from './records.ts'

const batchBytes = 256 * 1024

export interface Segment {
  id: string
  sizeBytes: number
}

export interface ByteRange {
  /** First and last byte, both included. */
  start: number
  end: number
}

async function writeAll(handle: FileHandle, batch: Buffer[]): Promise<void> {
  const data = batch.length === 1 && batch[0] ? batch[0] : Buffer.concat(batch)
  let written = 0
  while (written < data.length) written += (await handle.write(data, written)).bytesWritten
}

export class Blobs {
  readonly #dir: string
  readonly #temporaryDir: string
  readonly #readers = new Map<string, number>()
  readonly #doomed = new Set<string>()

  constructor(dir: string, temporaryDir: string) {
    this.#dir = dir
    this.#temporaryDir = temporaryDir
  }

  #shard(id: string): string {
    return join(this.#dir, id.slice(0, 2))
  }

  #path(id: string): string {
    return join(this.#shard(id), id)
  }

  /** Stores the stream, durably, or leaves nothing behind where the stream fails. */
  async write(chunks: AsyncIterable<Buffer>): Promise<Segment & { md5: string }> {
    const id = randomUUID()
    const temporary = join(this.#temporaryDir, id)
    const md5 = createHash('md5')
    let sizeBytes = 0
    try {
      const handle = await open(temporary, 'wx')
      try {
        let batch: Buffer[] = []
        let pending = 0
        for await (const chunk of chunks) {
          md5.update(chunk)
          batch.push(chunk)
          pending += chunk.length
          sizeBytes += chunk.length
          if (pending < batchBytes) continue
          await writeAll(handle, batch)
          batch = []
          pending = 0
        }
        if (pending > 0) await writeAll(handle, batch)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await mkdir(this.#shard(id), { recursive: true })
      await rename(temporary, this.#path(id))
    } catch (err) {
      await rm(temporary, { force: true })
      throw err
    }
    await syncDirectory(this.#shard(id))
    return { id, sizeBytes, md5: md5.digest('hex') }
  }

  /** The bytes of several blobs as one, or a range of them. The caller holds them meanwhile. */
  async *read(segments: readonly Segment[], range: ByteRange | null = null): AsyncGenerator<Buffer> {
    const end = range?.end ?? Number.MAX_SAFE_INTEGER
    const start = range?.start ?? 0
    let offset = 0
    for (const segment of segments) {
      const from = Math.max(start - offset, 0)
      const to = Math.min(end - offset, segment.sizeBytes - 1)
      offset += segment.sizeBytes
      if (from > to) continue
      const stream = createReadStream(this.#path(segment.id), {
        start: from,
        end: to,
        highWaterMark: batchBytes,
      })
      for await (const chunk of stream) yield chunk as Buffer
    }
  }

  /** Keeps the blobs readable, even if removed meanwhile, until the returned function is called. */
  hold(segments: readonly Segment[]): () => Promise<void> {
    for (const { id } of segments) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1)
    return async () => {
      for (const { id } of segments) {
        const left = (this.#readers.get(id) ?? 1) - 1
        if (left > 0) this.#readers.set(id, left)
        else this.#readers.delete(id)
        if (left === 0 && this.#doomed.delete(id)) await rm(this.#path(id), { force: true })
      }
    }
  }

  async remove(segments: readonly Segment[]): Promise<void> {
    for (const { id } of segments) {
      if (this.#readers.has(id)) this.#doomed.add(id)
      else await rm(this.#path(id), { force: true })
    }
  }

  /** Removes every blob that no record refers to. Only for the start, before anything writes. */
  async collect(referenced: ReadonlySet<string>): Promise<void> {
    for (const shard of await listDirectory(this.#dir))
      for (const id of await listDirectory(join(this.#dir, shard)))
        if (!referenced.has(id)) await rm(this.#path(id), { force: true })
  }
}

/** The names within a directory, none where it does not exist. */
export async function listDirectory(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (err) {
    if (isMissing(err)) return []
    throw err
  }
}
