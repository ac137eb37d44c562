/**
 * Every rate limit that is counted in Redis, in one table. They hold across processes; while Redis is away each node
 * counts for itself. Codes and failed sign-ins are counted in PostgreSQL, by the accounts.
 */
import { AppError } from '../lib/errors.ts'
import { redisKeys } from './redis-keys.ts'
import type { RedisStore } from './redis.ts'

export const RATE_LIMITS = {
  /** Requests per address. */
  general: { uses: 1000, windowSeconds: 15 * 60 },
  /** Messages per user, over REST and sockets together. */
  messages: { uses: 100, windowSeconds: 60 },
  /** Upload tickets per user. */
  uploads: { uses: 50, windowSeconds: 3600 },
} as const

export type RateLimitGroup = keyof typeof RATE_LIMITS

export interface LimitState {
  group: RateLimitGroup
  limit: number
  windowSeconds: number
  remaining: number
  resetSeconds: number
  exceeded: boolean
}

const LOCAL_MAX = 100_000
const local = new Map<string, { uses: number; until: number }>()

/** Counts one use. */
export async function hitLimit(
  redis: RedisStore,
  group: RateLimitGroup,
  subject: string,
): Promise<LimitState> {
  const { uses: limit, windowSeconds } = RATE_LIMITS[group]
  const key = redisKeys.limit(group, subject)
  const [uses, resetMs] = await redis.commands
    .hit(key, limit, windowSeconds)
    .catch(() => hitLocally(key, windowSeconds))
  return {
    group,
    limit,
    windowSeconds,
    remaining: Math.max(0, limit - uses),
    resetSeconds: Math.max(1, Math.ceil(resetMs / 1000)),
    exceeded: uses > limit,
  }
}

/** Counts one use and throws RATE_LIMIT_EXCEEDED beyond the limit. */
export async function enforceLimit(
  redis: RedisStore,
  group: RateLimitGroup,
  subject: string,
): Promise<LimitState> {
  const state = await hitLimit(redis, group, subject)
  if (state.exceeded) throw limitExceeded(state)
  return state
}

export const limitExceeded = ({ limit, windowSeconds, resetSeconds }: LimitState) =>
  new AppError(
    'RATE_LIMIT_EXCEEDED',
    `At most ${limit} in ${windowSeconds} s; try again in ${resetSeconds} s.`,
    {
      retryAfterSeconds: resetSeconds,
    },
  )

function hitLocally(key: string, windowSeconds: number): [number, number] {
  const now = performance.now()
  if (local.size > LOCAL_MAX) local.clear()
  let entry = local.get(key)
  if (!entry || entry.until <= now) {
    entry = { uses: 0, until: now + windowSeconds * 1000 }
    local.set(key, entry)
  }
  entry.uses += 1
  return [entry.uses, entry.until - now]
}
