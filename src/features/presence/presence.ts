/**
 * Who is online. Each connection counts for a while and says so again, so that a node that dies takes nobody offline
 * at once and nobody online for ever. The truth is in Redis and may vanish; PostgreSQL keeps when someone was last seen.
 */
import type { Ctx } from '../../context.ts'
import { redisChannels, redisKeys } from '../../stores/redis-keys.ts'
import { LIMITS } from '../../lib/limits.ts'
import { findUsers, isOpen, touchLastSeen } from '../accounts/index.ts'

/** A connection counts this long without saying so again; it says so three times in that span. */
const CONNECTION_MS = 150_000
const RENEW_MS = 45_000
/** Renewed at a time: each waiting for the one before it, thousands would take longer than they count. */
const RENEW_BATCH = 100

export interface PresenceState {
  userId: string
  isOnline: boolean
  lastSeen: string | null
}

/** What a subscribed socket is told. */
export type PresenceListener = (frame: string) => void

interface Follower {
  viewerId: string
  tell: PresenceListener
}

interface Online {
  userId: string
  connectionId: string
}

export class Presence {
  readonly #ctx: Ctx
  /** Connections of this node that say they are in the foreground. */
  readonly #online = new Map<string, Online>()
  /** Who of this node's sockets follows whom. */
  readonly #followers = new Map<string, Map<string, Follower>>()
  readonly #lastSeen = new Map<string, { userId: string; isOnline: boolean; lastSeen: Date }>()
  #renewal: NodeJS.Timeout | null = null
  #writing: Promise<void> | null = null

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  start(): void {
    this.#renewal = setInterval(() => void this.#renew(), RENEW_MS)
    this.#renewal.unref()
  }

  async close(): Promise<void> {
    if (this.#renewal) clearInterval(this.#renewal)
    await Promise.allSettled([...this.#online.values()].map((one) => this.#tell(one, 'gone')))
    await this.#writing
  }

  async online(userId: string, connectionId: string): Promise<void> {
    const one = { userId, connectionId }
    this.#online.set(connectionId, one)
    await this.#tell(one, 'online')
  }

  /** In the background, or gone for good. */
  async offline(userId: string, connectionId: string): Promise<void> {
    if (!this.#online.delete(connectionId)) return
    await this.#tell({ userId, connectionId }, 'offline')
  }

  /** Follows people for one socket; gives how they are now, as far as they show it. */
  async follow(
    viewerId: string,
    connectionId: string,
    userIds: string[],
    tell: PresenceListener,
  ): Promise<PresenceState[]> {
    for (const userId of userIds) {
      let followers = this.#followers.get(userId)
      if (!followers) {
        followers = new Map()
        this.#followers.set(userId, followers)
        await this.#ctx.delivery.follow(
          redisChannels.presence(userId),
          (message) => void this.#onChange(userId, message),
        )
      }
      followers.set(connectionId, { viewerId, tell })
    }
    return this.#look(viewerId, userIds)
  }

  async unfollow(connectionId: string, userIds: Iterable<string>): Promise<void> {
    for (const userId of userIds) {
      const followers = this.#followers.get(userId)
      followers?.delete(connectionId)
      if (followers?.size !== 0) continue
      this.#followers.delete(userId)
      await this.#ctx.delivery.unfollow(redisChannels.presence(userId))
    }
  }

  async #look(viewerId: string, userIds: string[]): Promise<PresenceState[]> {
    const users = await findUsers(this.#ctx, userIds)
    const { by, of } = await this.#ctx.blocks.between(viewerId, [...users.keys()])
    return Promise.all(
      [...users.values()].map(async (user): Promise<PresenceState> => {
        if (by.has(user.id) || of.has(user.id)) return { userId: user.id, isOnline: false, lastSeen: null }
        const own = user.id === viewerId
        const state = await this.#ask(user.id, '', 'look').catch(() => null)
        const isOnline = state?.online ?? user.isOnline
        const lastSeen = state && state.lastSeen > 0 ? new Date(state.lastSeen) : user.lastSeen
        return {
          userId: user.id,
          isOnline: (own || isOpen(user.privacySettings.online)) && isOnline,
          lastSeen: own || isOpen(user.privacySettings.lastSeen) ? lastSeen.toISOString() : null,
        }
      }),
    )
  }

  async #tell(one: Online, what: 'online' | 'offline' | 'gone'): Promise<void> {
    const state = await this.#ask(one.userId, one.connectionId, what).catch(() => null)
    const at = state && state.lastSeen > 0 ? new Date(state.lastSeen) : this.#ctx.clock.now()
    this.#lastSeen.set(one.userId, {
      userId: one.userId,
      isOnline: state?.online ?? what === 'online',
      lastSeen: at,
    })
    this.#writing ??= this.#write()
  }

  async #ask(
    userId: string,
    connectionId: string,
    what: string,
  ): Promise<{ online: boolean; lastSeen: number }> {
    const [online, , lastSeen] = (await this.#ctx.redis.commands.presence(
      redisKeys.presence(userId),
      userId,
      connectionId,
      what,
      this.#ctx.clock.now().getTime(),
      CONNECTION_MS,
      LIMITS.presenceSeconds,
    )) as [number, number, string]
    return { online: online === 1, lastSeen: Number(lastSeen) }
  }

  /** Says again who is online, and looks after those whose node may have died. */
  async #renew(): Promise<void> {
    for (const batch of batches(this.#online.values()))
      await Promise.all(
        batch
          // Whoever went away while the ones before were renewed must not be brought back.
          .filter(({ connectionId }) => this.#online.has(connectionId))
          .map((one) => this.#tell(one, 'online')),
      )
    for (const batch of batches(this.#followers.keys()))
      await Promise.all(batch.map((userId) => this.#ask(userId, '', 'look').catch(() => null)))
  }

  async #onChange(userId: string, message: string): Promise<void> {
    const [what, lastSeen] = message.split(' ')
    const followers = [...(this.#followers.get(userId)?.values() ?? [])]
    const viewers = new Set(followers.map(({ viewerId }) => viewerId))
    const found = await Promise.all([
      findUsers(this.#ctx, [userId]),
      this.#ctx.blocks.between(userId, [...viewers]),
    ]).catch(() => null)
    if (!found) return
    const [users, blocks] = found
    const user = users.get(userId)
    if (!user || !isOpen(user.privacySettings.online)) return
    const seen = isOpen(user.privacySettings.lastSeen) ? new Date(Number(lastSeen)).toISOString() : null
    const frame = JSON.stringify({
      event: `user:${what}`,
      data: { userId, ...(seen ? { lastSeen: seen } : {}) },
    })
    for (const { viewerId, tell } of followers)
      if (!blocks.by.has(viewerId) && !blocks.of.has(viewerId)) tell(frame)
  }

  /** One statement at a time: whoever comes and goes while it runs is in the next one. */
  async #write(): Promise<void> {
    while (this.#lastSeen.size > 0) {
      const entries = [...this.#lastSeen.values()]
      this.#lastSeen.clear()
      await touchLastSeen(this.#ctx, entries).catch((err: unknown) =>
        this.#ctx.log.warn({ err }, 'last seen not written'),
      )
    }
    this.#writing = null
  }
}

function* batches<T>(all: Iterable<T>): Iterable<T[]> {
  const list = [...all]
  for (let start = 0; start < list.length; start += RENEW_BATCH) yield list.slice(start, start + RENEW_BATCH)
}
