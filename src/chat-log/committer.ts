/**
 * Group commit. Lanes with waiting messages share one ordered insertMany; each message's place is the head plus one,
 * guarded by unique indexes. No lock, no counter: where another node was faster the write collides, the head is read
 * again, and the rest goes on in its order. Whoever reads place n can therefore read every place before it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { ObjectId } from 'mongodb'
import { AppError, unavailable } from '../lib/errors.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { within } from '../lib/within.ts'
import { commitBatch, commitSeconds, messagesStored } from '../stores/metrics.ts'
import type { MessageDoc, Mongo } from '../stores/mongo.ts'
import { firstSends } from './first-sends.ts'
import type { Entry, Lane } from './lane.ts'
import { loadState } from './state.ts'
import { knowsBlocks, loadBlocks, withheldFrom, type BlockSource } from './withheld.ts'
import { readOutcome } from './write-outcome.ts'

/** Messages of one chat in one write, and of all chats together. */
const LANE_BATCH = 64
const COMMIT_BATCH = 256
/** Writes under way at once: one is the cheapest in CPU, two keep a slow one from holding up everybody. */
const WRITES = 2
/** Chats where another node writes too are written by themselves: a collision stops whatever shares its write. */
const ALONE_WRITES = 6
const CONTENDED_MS = 1000
/** The faster write may not have its majority yet, and before that the head cannot be read. */
const COLLISION_PAUSE_MS = 2
const COLLISION_PAUSE_MAX_MS = 30
/** What waited longer is refused: its sender is about to hear so anyway, and the ones behind it would wait as long. */
const WAIT_MS = 3000
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
  /** The entry repeats a message that is stored already: that is the answer. */
  repeated(lane: Lane, entry: Entry, first: MessageDoc): Promise<void>
}

export class Committer {
  readonly #mongo: Mongo
  readonly #clock: Clock
  readonly #log: Log
  readonly #blocks: BlockSource
  readonly #sink: CommitSink
  readonly #ready = new Set<Lane>()
  #writing = 0
  #writingAlone = 0
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
    const now = performance.now()
    for (const lane of this.#ready) {
      if (lane.busy || lane.queue.length === 0) this.#ready.delete(lane)
      else if (this.#needsReading(lane)) void this.#aside(this.#take(lane))
      else if (now - lane.contendedAt < CONTENDED_MS && this.#writingAlone < ALONE_WRITES) {
        this.#writingAlone += 1
        void this.#write([this.#take(lane)]).finally(() => {
          this.#writingAlone -= 1
        })
      }
    }
    while (this.#ready.size > 0 && this.#writing < WRITES) {
      const lanes: Lane[] = []
      let waiting = 0
      for (const lane of this.#ready) {
        lanes.push(this.#take(lane))
        waiting += Math.min(lane.queue.length, LANE_BATCH)
        if (waiting >= COMMIT_BATCH) break
      }
      this.#writing += 1
      void this.#write(lanes).finally(() => {
        this.#writing -= 1
      })
    }
  }

  #take(lane: Lane): Lane {
    this.#ready.delete(lane)
    lane.busy = true
    return lane
  }

  #needsReading(lane: Lane): boolean {
    return (
      lane.queue[0]?.kind === 'change' ||
      !lane.state ||
      lane.outdated ||
      !knowsBlocks(this.#blocks, lane.state)
    )
  }

  async #write(lanes: Lane[]): Promise<void> {
    await this.#commit(lanes).catch((err: unknown) => this.#log.error({ err }, 'commit broke'))
    for (const lane of lanes) this.#free(lane)
    // Once this write is no longer counted.
    setImmediate(() => this.#pump())
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
      if (isFresh && lane.collisions > 0) await pause(pauseAfter(lane.collisions))
      lane.state ??= await loadState(this.#mongo.log, lane.chatHex)
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
      await this.#mongo.log.messages.insertMany(docs, { ordered: true })
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
    const oldest = lane.queue[0]
    if (oldest?.kind === 'entry' && performance.now() - oldest.since > WAIT_MS) {
      lane.rejectEntries(unavailable('Too much is being written to this chat right now; send again.'))
      return placed
    }
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
          void this.#answerOrRefuse(lane, entry, err)
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
    lane.collisions = 0
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
    const unwritten: Array<{ lane: Lane; entry: Entry }> = []
    for (const batch of batches) {
      const stored = Math.min(Math.max(outcome.stored - before, 0), batch.placed.length)
      const collides = outcome.stored >= before && outcome.stored < before + batch.placed.length
      before += batch.placed.length
      if (stored > 0) this.#stored({ lane: batch.lane, placed: batch.placed.slice(0, stored) })
      for (const { entry } of batch.placed.slice(stored)) unwritten.push({ lane: batch.lane, entry })
      if (!collides || outcome.index === 'clientMessageId') continue
      batch.lane.state = null
      batch.lane.contendedAt = performance.now()
      batch.lane.collisions += 1
    }
    // Where one of them repeats an earlier send others often do, after a fault all of them: one question for all.
    const repeats =
      outcome.index === 'clientMessageId'
        ? await firstSends(
            this.#mongo,
            unwritten.map(({ entry }) => entry),
          )
        : null
    const again = new Map<Lane, Entry[]>()
    for (const { lane, entry } of unwritten) {
      const first = repeats?.get(entry)
      if (first) this.#repeated(lane, entry, first)
      else again.set(lane, [...(again.get(lane) ?? []), entry])
    }
    // What it collided with has no majority yet and must not be shown: it is asked for again.
    if (repeats?.size === 0) await pause(COLLISION_PAUSE_MS)
    for (const [lane, entries] of again) lane.putBack(entries)
  }

  #repeated(lane: Lane, entry: Entry, first: MessageDoc): void {
    this.#sink.repeated(lane, entry, first).catch((cause: unknown) => entry.reject(cause))
  }

  async #answerOrRefuse(lane: Lane, entry: Entry, refusal: unknown): Promise<void> {
    const first = (await firstSends(this.#mongo, [entry]).catch(() => null))?.get(entry)
    if (first) this.#repeated(lane, entry, first)
    else entry.reject(refusal)
  }

  /** Which of them a majority has, as far as that can be asked without keeping the senders waiting. */
  async #landed(docs: MessageDoc[]): Promise<Set<string>> {
    const found = await within(
      LANDED_MS,
      this.#mongo.log.messages
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

/** Two nodes that collided must not come back at the same moment. */
const pauseAfter = (collisions: number) =>
  Math.random() * Math.min(COLLISION_PAUSE_MS * 2 ** collisions, COLLISION_PAUSE_MAX_MS)

export type { Placed }
