// What a run is judged by: each thing that was done to the system or seen of it, with the time it happened. People,
// devices and chats go by their names here; `at` and `until` are milliseconds of the history's own clock.

/** Which part of the system a fault hits: its allowance and the promises that it suspends depend on it. */
export type Concern = 'node' | 'redis' | 'mongo' | 'postgres' | 'link' | 'clock' | 'client'

export type Fault = {
  kind: 'fault'
  name: string
  at: number
  until: number
  /** When everything worked again; null where it never did. */
  healedAt: number | null
  concerns: Concern
}

/** How a message is sent: once, through two doors at once, long after its answer, or with another body. */
export type Play = 'plain' | 'twice' | 'late' | 'other'

export type Sent = {
  kind: 'sent'
  at: number
  device: string
  chat: string
  clientId: string
  content: string
  play: Play
}

export type Acked = {
  kind: 'acked'
  at: number
  device: string
  chat: string
  clientId: string
  seq: number
  id: string
  play: Play
}

/** `since` is when the attempt that was refused left. */
export type Refused = {
  kind: 'refused'
  at: number
  since: number
  device: string
  chat: string
  clientId: string
  code: string
  retryable: boolean
  play: Play
}

/** Something of a chat came to a device: pushed (`live`), or fetched by it. */
export type Received = {
  kind: 'received'
  at: number
  device: string
  chat: string
  event: string
  seq: number
  rev: number
  id: string
  live: boolean
  /** It came as a place that carries nothing. */
  isVoid: boolean
}

/** What a person did besides sending; recorded when its outcome is known. */
export type Act = {
  kind: 'act'
  what: 'edit' | 'delete' | 'react' | 'read' | 'add' | 'remove' | 'block' | 'unblock' | 'revoke'
  at: number
  until: number
  device: string
  chat: string
  outcome: 'acked' | 'refused' | 'unknown'
  /** The message changed, the mark moved to, or the place that the change took. */
  seq: number | null
  /** Who was added, removed or blocked; the device whose session was ended. */
  whom: string | null
  /** The new text, the emoji. */
  value: string | null
  code: string | null
}

/** A chat's numbers as the server gave them to somebody in a moment of rest. */
export type Counted = {
  kind: 'counted'
  at: number
  device: string
  chat: string
  from: 'list' | 'read' | 'fresh'
  lastSeq: number
  readSeq: number
  deliveredSeq: number
  unread: number
}

/** All that a device holds of a chat at the end, or what a fresh one fetches. */
export type Held = {
  kind: 'held'
  at: number
  device: string
  chat: string
  by: 'device' | 'fresh'
  seqs: number[]
  /** One text for each seq: what the message is now. */
  states: string[]
  /** User ids of those in the chat; null where the server does not say. */
  people: string[] | null
  /** What the client itself found odd: two messages on one place, an event out of order. */
  oddities: string[]
}

export type Operation =
  | Fault
  | { kind: 'note'; at: number; text: string }
  | { kind: 'person'; at: number; person: string; userId: string; hidesReceipts: boolean }
  | { kind: 'device'; at: number; device: string; person: string }
  | { kind: 'chat'; at: number; chat: string; type: 'direct' | 'group' | 'broadcast'; people: string[] }
  | { kind: 'connected'; at: number; device: string; door: number; reset: boolean }
  /** The connection has brought everything that was missed. */
  | { kind: 'ready'; at: number; device: string }
  | { kind: 'disconnected'; at: number; device: string; code: number }
  /** The device stopped reading from its socket until then. */
  | { kind: 'slow'; at: number; device: string; until: number }
  /** A token that was good once, tried again. */
  | { kind: 'token'; at: number; device: string; door: number; status: number }
  | {
      kind: 'receipt'
      at: number
      device: string
      chat: string
      person: string
      mark: 'read' | 'delivered'
      upTo: number
    }
  | Sent
  | Acked
  | Refused
  | Received
  | Act
  | Counted
  | Held
