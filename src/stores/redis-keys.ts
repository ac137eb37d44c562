/**
 * Every Redis key: type, who writes it, when it goes. All of them may vanish at any moment. The keys of one user, and
 * what fan-out touches with them, begin with the tag of his partition: '' where one Redis holds everything, `{n}` in a
 * cluster, so that a script finds all its keys on one server.
 *
 * | key | type | written by | lifetime |
 * | - | - | - | - |
 * | {tag}inbox:{userId} | list, `place chat seq` or `place - event` for each durable event | fan-out | 7 days after the user was last connected |
 * | {tag}said:{chatId} | stream, the events themselves under their places, field m | fan-out | 7 days |
 * | {tag}route:{userId} | string, names of the nodes that hold his sockets | feeds | 90 s, renewed while connected |
 * | {tag}fan:{chatId} | string, the revision that fan-out reached | fan-out | 1 day |
 * | {tag}epoch | hash: id changes whenever inboxes may have been lost, place counts the events | fan-out, feeds | none |
 * | {tag}epoch:young | string | fan-out, feeds | 60 s |
 * | {tag}unread:{userId}:{chatId} | integer, a colon and the read mark it counts from | unread counts, fan-out | 7 days |
 * | presence:{userId} | JSON | presence | 5 min, renewed while connected |
 * | typing:{chatId}:{userId} | string | presence | 3 s |
 * | limit:{group}:{subject} | integer | rate limits | the window |
 * | nodes | hash, what each node says of itself | node list | a field 30 s after its last beat |
 */
export const redisKeys = {
  inbox: (tag: string, userId: string) => `${tag}inbox:${userId}`,
  fan: (tag: string, chatHex: string) => `${tag}fan:${chatHex}`,
  unread: (tag: string, userId: string, chatHex: string) => `${tag}unread:${userId}:${chatHex}`,
  presence: (userId: string) => `presence:${userId}`,
  typing: (chatHex: string, userId: string) => `typing:${chatHex}:${userId}`,
  limit: (group: string, subject: string) => `limit:${group}:${subject}`,
  nodes: 'nodes',
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

const UUID_LENGTH = 36

/** Which users' keys live together. */
export class Partitions {
  /** The tags of all partitions. */
  readonly tags: readonly string[]

  constructor(count: number) {
    this.tags = count === 1 ? [''] : Array.from({ length: count }, (_, index) => `{${index}}`)
  }

  /** The last digits of a user id are random, so that everybody's share is alike. */
  of(userId: string): string {
    const { tags } = this
    return tags.length === 1 ? '' : (tags[Number.parseInt(userId.slice(-6), 16) % tags.length] ?? '')
  }

  /** Joined user ids, apart by partition. */
  split(joined: string): Map<string, string> {
    if (this.tags.length === 1) return new Map([['', joined]])
    const parts = new Map<string, string>()
    for (let at = 0; at < joined.length; at += UUID_LENGTH) {
      const userId = joined.slice(at, at + UUID_LENGTH)
      const tag = this.of(userId)
      parts.set(tag, (parts.get(tag) ?? '') + userId)
    }
    return parts
  }
}
