/**
 * Who blocks whom, known without asking the database for every message.
 *
 * A pair is read once, when its direct chat is first written here. After that its changes come by themselves: from the
 * verb in this process, through Redis from other nodes, and every two seconds from one indexed query, whether or not
 * Redis passed them on. Each carries the pair's version, so that older word never replaces newer, whichever comes first.
 * A process that was stopped for longer than that reads a pair again before it goes by it; while the database is away
 * what is known is gone by.
 */
import type { Delivery } from '../../delivery/index.ts'
import { unavailable } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { ChangesFeed } from '../../stores/changes-feed.ts'
import type { Db } from '../../stores/postgres.ts'
import { findBetween, findPair, readChangedBlocks, type Block, type BlockFeed } from './store.ts'
import { within } from '../../lib/within.ts'

const TOPIC = 'blocks'
const READ_TIMEOUT_MS = 2000
/** More than a poll and the pause before it take, so that only a process that stood still runs out of it. */
const TRUST_MS = 5000
/** For how long a pair's own reading counts when the polls have not come round; longer than it may take. */
const PAIR_TRUST_MS = 3000
const PAIRS_MAX = 100_000

interface Known {
  active: boolean
  /** 0: there never was a block. */
  version: number
  trustedUntil: number
}

/** Imports nothing from the context, which imports this type. */
export class Blocks {
  readonly #db: Db
  readonly #delivery: Delivery
  readonly #known = new Map<string, Known>()
  readonly #loading = new Map<string, Promise<void>>()
  readonly #feed: ChangesFeed<BlockFeed>

  constructor(options: { db: Db; delivery: Delivery; log: Log }) {
    this.#db = options.db
    this.#delivery = options.delivery
    this.#feed = new ChangesFeed(
      {
        name: 'blocks',
        read: (since, marginSeconds) => readChangedBlocks(options.db, since, marginSeconds),
        take: ({ changed }, isFirst) => {
          // What was read before anyone watched may have changed unseen.
          if (isFirst) this.#known.clear()
          for (const block of changed) this.#learn(block)
        },
      },
      options.log,
    )
  }

  /** Resolves after the first reading, also when that failed: a database that is away does not stop the start. */
  async start(): Promise<void> {
    this.#delivery.onControl(TOPIC, (subject) => this.#onAnnounced(subject))
    await this.#feed.start()
  }

  close(): Promise<void> {
    return this.#feed.close()
  }

  /** Whether what is known of the pair, both ways, is good enough to go by; `load` it first where it is not. */
  knows(one: string, other: string): boolean {
    const now = performance.now()
    return [one + other, other + one].every((key) => {
      const known = this.#known.get(key)
      return known !== undefined && (now < this.#feed.askedAt + TRUST_MS || now < known.trustedUntil)
    })
  }

  /** As far as is known here; undefined where nothing is. */
  isBlocked(blockerId: string, blockedId: string): boolean | undefined {
    return this.#known.get(blockerId + blockedId)?.active
  }

  /** Whether there is or ever was a block; undefined where this node does not know the pair. */
  everBlocked(blockerId: string, blockedId: string): boolean | undefined {
    const known = this.#known.get(blockerId + blockedId)
    return known && known.version > 0
  }

  /** Gets to know a pair, both ways. Throws SERVICE_UNAVAILABLE where it is not known and nobody can tell. */
  async load(one: string, other: string): Promise<void> {
    if (this.knows(one, other)) return
    const pair = one < other ? one + other : other + one
    let loading = this.#loading.get(pair)
    if (!loading) {
      loading = this.#read(one, other).finally(() => this.#loading.delete(pair))
      this.#loading.set(pair, loading)
    }
    await loading
  }

  /** Whether either of two people blocks the other; true where nobody can tell. */
  async apart(one: string, other: string): Promise<boolean> {
    await this.load(one, other).catch(() => undefined)
    return this.isBlocked(one, other) !== false || this.isBlocked(other, one) !== false
  }

  /** Those of `others` who block the user, and those whom he blocks, as the database has it now. */
  async between(userId: string, others: readonly string[]): Promise<{ by: Set<string>; of: Set<string> }> {
    const found = others.length > 0 ? await findBetween(this.#db, userId, others) : []
    return {
      by: new Set(found.filter(({ blockedId }) => blockedId === userId).map(({ blockerId }) => blockerId)),
      of: new Set(found.filter(({ blockerId }) => blockerId === userId).map(({ blockedId }) => blockedId)),
    }
  }

  /** Takes over what a verb of this node stored, at once, and passes it on to the others. */
  async changed(block: Block): Promise<void> {
    this.#learn(block)
    const { blockerId, blockedId, version, active } = block
    await this.#delivery
      .announce(TOPIC, `${blockerId} ${blockedId} ${version} ${active ? 'blocked' : 'ended'}`)
      // The other nodes find it in the database within two seconds.
      .catch(() => undefined)
  }

  #onAnnounced(subject: string): void {
    const [blockerId = '', blockedId = '', version, state] = subject.split(' ')
    this.#learn({ blockerId, blockedId, version: Number(version), active: state === 'blocked' })
  }

  async #read(one: string, other: string): Promise<void> {
    const both = [one + other, other + one]
    const startedAt = performance.now()
    try {
      const rows = await within(READ_TIMEOUT_MS, findPair(this.#db, one, other))
      const none = { active: false, version: 0 }
      this.#learn({ blockerId: one, blockedId: other, ...none })
      this.#learn({ blockerId: other, blockedId: one, ...none })
      for (const row of rows) this.#learn(row)
    } catch (err) {
      if (!both.every((key) => this.#known.has(key)))
        throw unavailable('This chat cannot be written right now; send again.', err)
    }
    for (const key of both) {
      const known = this.#known.get(key)
      if (known) known.trustedUntil = startedAt + PAIR_TRUST_MS
    }
  }

  /** Also of pairs that nobody asked for: a read of such a pair may be under way with older word. */
  #learn({ blockerId, blockedId, active, version }: Block): void {
    const key = blockerId + blockedId
    const known = this.#known.get(key)
    if (known && known.version >= version) return
    this.#known.set(key, { active, version, trustedUntil: known?.trustedUntil ?? -Infinity })
    if (this.#known.size <= PAIRS_MAX) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }
}
