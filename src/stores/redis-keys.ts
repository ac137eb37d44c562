/**
 * Every Redis key: type, who writes it, when it goes. All of them may vanish at any moment.
 *
 * | key | type | written by | lifetime |
 * | - | - | - | - |
 * | stream:{userId} | stream, one entry per durable event, field m | fan-out | 7 days after the user was last connected |
 * | route:{userId} | string, names of the nodes that hold his sockets | feeds | 90 s, renewed while connected |
 * | fan:{chatId} | string, the revision that fan-out reached | fan-out | 1 day |
 * | epoch, epoch:young | string, changes whenever streams may have been lost | fan-out, feeds | none; 60 s |
 * | unread:{userId}:{chatId} | integer, a colon and the read mark it counts from | unread counts, fan-out | 7 days |
 * | presence:{userId} | JSON | presence | 5 min, renewed while connected |
 * | typing:{chatId}:{userId} | string | presence | 3 s |
 * | limit:{group}:{subject} | integer | rate limits | the window |
 * | node:{nodeId} | string | heartbeat | 30 s |
 */
export const redisKeys = {
  stream: (userId: string) => `stream:${userId}`,
  route: (userId: string) => `route:${userId}`,
  fan: (chatHex: string) => `fan:${chatHex}`,
  epoch: 'epoch',
  epochYoung: 'epoch:young',
  unread: (userId: string, chatHex: string) => `unread:${userId}:${chatHex}`,
  presence: (userId: string) => `presence:${userId}`,
  typing: (chatHex: string, userId: string) => `typing:${chatHex}:${userId}`,
  limit: (group: string, subject: string) => `limit:${group}:${subject}`,
  node: (nodeId: string) => `node:${nodeId}`,
} as const

/** Pub/sub channels. Subscriptions outlive a flush, unlike keys. */
export const redisChannels = {
  /** What one node has to write to its sockets. */
  node: (nodeId: string) => `to:${nodeId}`,
  /** What every node has to know: a new epoch, an ended session. */
  control: 'control',
  /** Presence of one user, for nodes with sockets that asked. */
  presence: (userId: string) => `presence:${userId}`,
} as const
