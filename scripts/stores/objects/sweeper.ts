/** Carries out the buckets' lifecycle rules, again and again until closed. */
import { S3Error } from './protocol/errors.ts'
import type { Bucket } from './disk/bucket.ts'
import type { Disk } from './disk/disk.ts'
import { isAbandoned, isExpired } from './rules/lifecycle-rules.ts'

async function sweepObjects(bucket: Bucket, now: number): Promise<void> {
  const rules = bucket.settings.lifecycle ?? []
  for (const summary of bucket.index.all()) {
    // Tags are on disk only: look there once everything else speaks for expiry.
    if (!rules.some((rule) => isExpired({ ...rule, tags: [] }, { ...summary, tags: [] }, now))) continue
    const held = await bucket.open(summary.key)
    if (!held) continue
    await held.release()
    if (!rules.some((rule) => isExpired(rule, held.object, now))) continue
    await bucket
      .remove(summary.key, (current) => {
        // Written anew since it was judged: its time starts again.
        if (current?.modifiedAt !== summary.modifiedAt) throw new S3Error('PreconditionFailed')
      })
      .catch(ignoreRefusal)
  }
}

async function sweepUploads(bucket: Bucket, now: number): Promise<void> {
  const rules = bucket.settings.lifecycle ?? []
  for (const upload of bucket.uploads.list())
    if (rules.some((rule) => isAbandoned(rule, upload, now)))
      await bucket.uploads.abort(upload).catch(ignoreRefusal)
}

function ignoreRefusal(err: unknown): void {
  if (!(err instanceof S3Error)) throw err
}

export async function sweep(disk: Disk, now: number): Promise<void> {
  for (const bucket of disk.buckets()) {
    await sweepObjects(bucket, now)
    await sweepUploads(bucket, now)
  }
}

export class Sweeper {
  #timer: NodeJS.Timeout | null = null
  #running: Promise<void> = Promise.resolve()
  readonly #work: () => Promise<void>
  readonly #everyMs: number
  readonly #onError: (err: unknown) => void

  constructor(work: () => Promise<void>, everyMs: number, onError: (err: unknown) => void) {
    this.#work = work
    this.#everyMs = everyMs
    this.#onError = onError
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#round()
    }, this.#everyMs)
    this.#timer.unref()
  }

  async #round(): Promise<void> {
    try {
      await this.#work()
    } catch (err) {
      this.#onError(err)
    }
    if (this.#timer) this.start()
  }

  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    await this.#running
  }
}
