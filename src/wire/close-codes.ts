/** Why a socket is closed (API.md §8). */
export const CLOSE = {
  notAuthenticated: 4401,
  tooSlow: 4408,
  sessionEnded: 4409,
  tooManyFrames: 4429,
  restarting: 1012,
} as const

/** The reason of a 1012: when to come again, spread so that not everyone comes at once. */
export const retryReason = (spreadMs: number, random: () => number = Math.random) =>
  `retry=${Math.round(100 + random() * spreadMs)}`
