/**
 * Group commit. Lanes with waiting messages share one ordered insertMany; each message's place is the head plus one,
 * guarded by unique indexes. No lock, no counter: where another node was faster the write collides, the head is read
 * again, and the rest goes on in its order. Whoever reads place n can therefore read every place before it.
 */
import type { ObjectId } from 'mongodb'
import { AppError, unavailable } from '../lib/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { within } from '../lib/within.ts'
import { commitBatch, commitSeconds, messagesStored } from '../stores/metrics.ts'
import type { MessageDoc, Mongo } from '../stores/mongo.ts'
import type { Entry, Lane } from './lane.ts'
import { loadState } from './state.ts'
import { knowsBlocks, loadBlocks, withheldFrom, type BlockSource } from './withheld.ts'
import { readOutcome } from './write-outcome.ts'

/** Messages of one chat in one write, and of all chats together. */
const LANE_BATCH = 64
const COMMIT_BATCH = 256
/** Writes under way at once: one is the cheapest in CPU, two keep a slow one from holding up everybody. */
const WRITES = 2
const COLLISION_PAUSE_MS = 2
/** With the write's own time limit before it, a refusal still comes within 5 s. */
const LANDED_MS = 800

interface Placed {
  entry: Entry
  doc: MessageDoc
}

interface Batch {
  lane: Lane
  placed: Placed[]
}

export interface CommitSink {
  /** Messages of one chat are stored, in order. */
  stored(lane: Lane, placed: Placed[]): void
  /** Answers the entry with the earlier message that has its clientMessageId; where there is none, throws `refusal`. */
  repeated(lane: Lane, entry: Entry, refusal?: unknown): Promise<void>
}

export class Committer {
  readonly #mongo: Mongo
  readonly #clock: Clock
  readonly #log: Log
  readonly #blocks: BlockSource
  readonly #sink: CommitSink
  readonly #ready = new Set<Lane>()
  #writing = 0
  #armed = false

  constructor(needs: { mongo: Mongo; clock: Clock; log: Log; blocks: BlockSource }, sink: CommitSink) {
    this.#mongo = needs.mongo
    this.#clock = needs.clock
    this.#log = needs.log
    this.#blocks = needs.blocks
    this.#sink = sink
  }

  /** Looks at the lane soon: all that arrives in this turn of the loop goes into the same write. */
  wake(lane: Lane): void {
    if (lane.busy || lane.queue.length === 0) return
    this.#ready.add(lane)
    if (this.#armed) return
    this.#armed = true
    setImmediate(() => {
      this.#armed = false
      this.#pump()
    })
  }

  #pump(): void {
    while (this.#ready.size > 0 && this.#writing < WRITES) {
      const lanes: Lane[] = []
      let waiting = 0
      for (const lane of this.#ready) {
        this.#ready.delete(lane)
        if (lane.busy || lane.queue.length === 0) continue
        lane.busy = true
        if (
          lane.queue[0]?.kind === 'change' ||
          !lane.state ||
          lane.outdated ||
          !knowsBlocks(this.#blocks, lane.state)
        ) {
          void this.#aside(lane)
          continue
        }
        lanes.push(lane)
        waiting += Math.min(lane.queue.length, LANE_BATCH)
        if (waiting >= COMMIT_BATCH) break
      }
      if (lanes.length === 0) return
      this.#writing += 1
      this.#commit(lanes)
        .catch((err: unknown) => this.#log.error({ err }, 'commit broke'))
        .finally(() => {
          this.#writing -= 1
          for (const lane of lanes) this.#free(lane)
          this.#pump()
        })
    }
  }

  #free(lane: Lane): void {
    lane.busy = false
    this.wake(lane)
  }

  /** What must not hold up other chats: reading a chat's state and blocks, and changes that run alone. */
  async #aside(lane: Lane): Promise<void> {
    try {
      if (lane.outdated) lane.state = null
      lane.outdated = false
      const isFresh = !lane.state
      lane.state ??= await loadState(this.#mongo, lane.chatHex)
      await loadBlocks(this.#blocks, lane.state)
      const next = lane.queue[0]
      if (next?.kind === 'change') {
        lane.queue.shift()
        const state = lane.state
        lane.state = null
        const after = await next.run(state, isFresh)
        if (after === 'stale') lane.queue.unshift(next)
        else lane.state = after
      }
    } catch (err) {
      lane.state = null
      lane.rejectAll(
        err instanceof AppError ? err : unavailable('The chat cannot be written right now; send again.', err),
      )
    }
    this.#free(lane)
  }

  async #commit(lanes: Lane[]): Promise<void> {
    const batches: Batch[] = []
    for (const lane of lanes) {
      const placed = this.#place(lane)
      if (placed.length > 0) batches.push({ lane, placed })
    }
    const docs = batches.flatMap((batch) => batch.placed.map(({ doc }) => doc))
    if (docs.length === 0) return
    const stop = commitSeconds.startTimer()
    try {
      await this.#mongo.messages.insertMany(docs, { ordered: true })
      commitBatch.observe(docs.length)
      for (const batch of batches) this.#stored(batch)
    } catch (err) {
      await this.#afterFailure(batches, docs, err)
    } finally {
      stop()
    }
  }

  /** Gives the lane's next messages the places after its head. Those that may not be sent take none. */
  #place(lane: Lane): Placed[] {
    const state = lane.state
    const placed: Placed[] = []
    if (!state) return placed
    const at = this.#clock.now()
    let { seq, rev } = state
    const entries = lane.takeEntries(LANE_BATCH)
    for (const [index, entry] of entries.entries()) {
      let blockers: string[]
      try {
        entry.admit(state)
        blockers = withheldFrom(this.#blocks, state, entry.draft.senderId)
      } catch (err) {
        if (entry.doubted) {
          // An earlier send of it may be stored without the client knowing: then that is the answer.
          void this.#sink.repeated(lane, entry, err).catch((cause: unknown) => entry.reject(cause))
          continue
        }
        // Nothing was written that could have collided with what happened elsewhere: ask before refusing for good.
        entry.doubted = true
        lane.outdated = true
        lane.putBack(entries.slice(index))
        break
      }
      seq += 1
      rev += 1
      // In place: a draft that collided is given its next place in the same object.
      const doc: MessageDoc = Object.assign(entry.draft, {
        seq,
        rev,
        revs: [rev],
        createdAt: at,
        updatedAt: at,
      })
      delete doc.voidFor
      delete doc.withheldFor
      if (blockers.length > 0) Object.assign(doc, { voidFor: blockers, withheldFor: blockers })
      placed.push({ entry, doc })
    }
    return placed
  }

  #stored({ lane, placed }: Batch): void {
    const last = placed.at(-1)
    if (!last) return
    if (lane.state) {
      lane.state.seq = last.doc.seq
      lane.state.rev = last.doc.rev
      lane.state.checkedAt = performance.now()
    }
    messagesStored.inc(placed.length)
    this.#sink.stored(lane, placed)
  }

  async #afterFailure(batches: Batch[], docs: MessageDoc[], err: unknown): Promise<void> {
    const outcome = readOutcome(err)
    if (outcome.kind === 'unknown') {
      this.#log.warn({ err, messages: docs.length }, 'commit failed')
      const landed = await this.#landed(docs)
      for (const batch of batches) this.#settleUnknown(batch, landed, err)
      return
    }
    let before = 0
    for (const batch of batches) {
      const stored = Math.min(Math.max(outcome.stored - before, 0), batch.placed.length)
      const collides = outcome.stored >= before && outcome.stored < before + batch.placed.length
      before += batch.placed.length
      this.#stored({ lane: batch.lane, placed: batch.placed.slice(0, stored) })
      const rest = batch.placed.slice(stored).map(({ entry }) => entry)
      if (rest.length === 0) continue
      if (collides && outcome.index === 'clientMessageId') {
        const repeated = rest.shift()
        if (repeated)
          void this.#sink.repeated(batch.lane, repeated).catch((cause: unknown) => repeated.reject(cause))
      } else if (collides) {
        batch.lane.state = null
        // The faster write may not have its majority yet, and before that the head cannot be read.
        await new Promise((resolve) => setTimeout(resolve, COLLISION_PAUSE_MS))
      }
      batch.lane.putBack(rest)
    }
  }

  /** Which of them a majority has, as far as that can be asked without keeping the senders waiting. */
  async #landed(docs: MessageDoc[]): Promise<Set<string>> {
    const found = await within(
      LANDED_MS,
      this.#mongo.messages
        .find({ _id: { $in: docs.map((doc) => doc._id) } })
        .project<{ _id: ObjectId }>({ _id: 1 })
        .toArray(),
    ).catch(() => [])
    return new Set(found.map((doc) => doc._id.toHexString()))
  }

  /** The write may or may not have landed: what a majority has is answered, the rest is for the client to repeat. */
  #settleUnknown({ lane, placed }: Batch, landed: Set<string>, err: unknown): void {
    lane.state = null
    const stored = placed.filter(({ doc }) => landed.has(doc._id.toHexString()))
    this.#stored({ lane, placed: stored })
    const refusal = unavailable(
      'The message could not be stored right now; send it again with the same clientMessageId.',
      err,
    )
    for (const { entry, doc } of placed) if (!landed.has(doc._id.toHexString())) entry.reject(refusal)
    // Later messages of the same chat must not overtake the refused ones.
    if (stored.length < placed.length) lane.rejectAll(refusal)
  }
}

export type { Placed }
