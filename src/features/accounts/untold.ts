/**
 * Changes of accounts reach the user's own devices also where the node that stored one died before telling it: the
 * row says that it is untold until the event streams have it, and every worker looks for such rows.
 */
import { parsePayload, toPayload, type Delivery } from '../../delivery/index.ts'
import { within } from '../../lib/within.ts'
import type { Log } from '../../lib/log.ts'
import type { Db } from '../../stores/postgres.ts'
import type { RedisStore } from '../../stores/redis.ts'
import { settleSessions, settleUser, untoldSessions, untoldUsers, type EndedSession } from './store/untold.ts'
import type { UserRow } from './store/users.ts'
import { toUser } from './view.ts'

const LOOK_MS = 2500
const READ_TIMEOUT_MS = 2000
/** Changes of accounts are rare: after an outage the next looks bring the rest. */
const AT_ONCE = 200

export class UntoldAccounts {
  readonly #db: Db
  readonly #delivery: Delivery
  readonly #redis: RedisStore
  readonly #log: Log
  /** What this node's sockets have and the streams have not. */
  readonly #pushed = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #looking: Promise<void> = Promise.resolve()
  #failing = false
  #closed = false

  constructor(options: { db: Db; delivery: Delivery; redis: RedisStore; log: Log }) {
    this.#db = options.db
    this.#delivery = options.delivery
    this.#redis = options.redis
    this.#log = options.log
  }

  /** Looks for what others left, for the streams or, on a node without that task, only for its own sockets. */
  start(forStreams: boolean): void {
    if (this.#closed) return
    this.#timer = setTimeout(
      () => {
        this.#looking = this.#look(forStreams)
          .catch((err: unknown) => {
            // Once, and without the statement: its parameters do not belong in a log.
            const cause: unknown = err instanceof Error ? (err.cause ?? err) : err
            if (!this.#failing) this.#log.warn({ err: cause }, 'untold changes of accounts not looked for')
            this.#failing = true
          })
          .finally(() => this.start(forStreams))
      },
      LOOK_MS * (0.75 + Math.random() / 2),
    )
    this.#timer.unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer) clearTimeout(this.#timer)
    await this.#looking
  }

  /** The user's devices show the same account. */
  async tellUser(row: UserRow): Promise<void> {
    const user = toUser(row)
    if (await this.#tell(userKey(row), user.id, 'user:updated', { user })) await settleUser(this.#db, row)
  }

  async tellEnded(ended: readonly EndedSession[]): Promise<void> {
    const told: string[] = []
    for (const { id, userId } of ended)
      if (await this.#tell(id, userId, 'session:ended', { sessionId: id })) told.push(id)
    if (told.length > 0) await settleSessions(this.#db, told)
  }

  async #look(forStreams: boolean): Promise<void> {
    if (this.#redis.isBack()) {
      this.#pushed.clear()
      if (!forStreams) return
    }
    const [rows, ended] = await within(
      READ_TIMEOUT_MS,
      Promise.all([untoldUsers(this.#db, AT_ONCE), untoldSessions(this.#db, AT_ONCE)]),
    )
    this.#failing = false
    for (const row of rows) await this.tellUser(row)
    await this.tellEnded(ended)
  }

  /** Gives whether the streams have it. Without Redis this node's sockets hear it, once. */
  async #tell(key: string, userId: string, event: string, data: unknown): Promise<boolean> {
    if (this.#redis.isBack()) return this.#delivery.notifyUsers([userId], { event, data })
    if (!this.#pushed.has(key)) {
      this.#pushed.add(key)
      this.#delivery.feeds.tellFromLog([userId], parsePayload(toPayload(event, JSON.stringify(data))), '')
    }
    return false
  }
}

const userKey = ({ id, untoldAt }: UserRow) => `${id}:${untoldAt?.getTime() ?? 0}`
