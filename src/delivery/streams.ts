/** Reading users' event streams, and registering this node as the holder of their sockets. */
import { randomBytes } from 'node:crypto'
import { redisKeys } from '../stores/redis-keys.ts'
import type { RedisStore } from '../stores/redis.ts'

export interface StreamEntry {
  place: number
  /** Empty for an entry that only marks a place. */
  payload: string
}

export interface StreamState {
  epoch: string
  last: number
  /** `all`: nothing since the asked position is missing. `new-epoch`: these are all entries of the new streams. */
  since: 'all' | 'new-epoch' | 'unknown'
  entries: StreamEntry[]
}

export interface StreamQuestion {
  userId: string
  /** The position to read from; no epoch for none. */
  epoch: string
  place: number
}

/** A message that a user was told of. */
export interface ToldMessage {
  chatHex: string
  seq: number
}

/** How much of a backlog one read brings. */
export const BACKLOG_PAGE = 500
const NOBODY = ''

type AttachReply = [epoch: string, Array<[last: number, known: number, entries: string[]]>]

export class Streams {
  readonly #redis: RedisStore
  readonly #nodeId: string

  constructor(redis: RedisStore, nodeId: string) {
    this.#redis = redis
    this.#nodeId = nodeId
  }

  /** Registers this node for the users and reads what lies behind their positions, atomically for each of them. */
  attach(questions: StreamQuestion[]): Promise<StreamState[]> {
    return this.#ask(questions, BACKLOG_PAGE, this.#nodeId)
  }

  /** Reads without registering. */
  async peek(question: StreamQuestion, count: number): Promise<StreamState> {
    const [state] = await this.#ask([question], count, NOBODY)
    if (!state) throw new Error('the stream script answered nothing')
    return state
  }

  async detach(userId: string): Promise<void> {
    await this.#redis.commands.detach(this.#redis.partitions.of(userId), this.#nodeId, userId)
  }

  /** The messages that the user was told of up to a place, as far back as is known. */
  async messagesUpTo(userId: string, place: number): Promise<ToldMessage[]> {
    const inbox = redisKeys.inbox(this.#redis.partitions.of(userId), userId)
    const entries = await this.#redis.commands.lrange(inbox, 0, -1)
    return entries.flatMap((entry) => {
      const [at = '', chatHex = '-', seq = ''] = entry.split(' ', 3)
      return chatHex === '-' || seq === '' || Number(at) > place ? [] : [{ chatHex, seq: Number(seq) }]
    })
  }

  async whisper(userIds: readonly string[], event: string, json: string): Promise<void> {
    const parts = this.#redis.partitions.split(userIds.join(''))
    await Promise.all(
      [...parts].map(([tag, users]) => this.#redis.commands.whisper(tag, users, `${event} ${json}`)),
    )
  }

  async #ask(questions: StreamQuestion[], most: number, node: string): Promise<StreamState[]> {
    const byTag = new Map<string, StreamQuestion[]>()
    for (const question of questions) {
      const tag = this.#redis.partitions.of(question.userId)
      byTag.set(tag, [...(byTag.get(tag) ?? []), question])
    }
    const answers = new Map<StreamQuestion, StreamState>()
    await Promise.all(
      [...byTag].map(async ([tag, asked]) => {
        const states = await this.#askPartition(tag, asked, most, node)
        asked.forEach((question, index) => {
          const state = states[index]
          if (state) answers.set(question, state)
        })
      }),
    )
    return questions.flatMap((question) => answers.get(question) ?? [])
  }

  async #askPartition(
    tag: string,
    questions: StreamQuestion[],
    most: number,
    node: string,
  ): Promise<StreamState[]> {
    const runId = this.#redis.runId(tag)
    if (runId === null) throw new Error('redis is away')
    const [fullEpoch, states] = (await this.#redis.commands.attach(
      tag,
      runId,
      ...newEpoch(),
      node,
      most,
      ...questions.flatMap(({ userId, epoch, place }) => [userId, epoch, place]),
    )) as AttachReply
    const epoch = epochSuffix(fullEpoch)
    return states.map(([last, known, entries]) => ({
      epoch,
      last,
      since: known === 1 ? 'all' : known === 2 ? 'new-epoch' : 'unknown',
      entries: toEntries(entries),
    }))
  }
}

/**
 * What a script begins a new epoch with, if one is due. Places begin at the time in ms, beyond all that an older
 * epoch without its count can have used.
 */
export const newEpoch = (): [suffix: string, firstPlace: number] => [
  randomBytes(3).toString('hex'),
  Date.now(),
]

/** The part of an epoch that cursors carry; the rest is the run id of the Redis that it began on. */
export const epochSuffix = (epoch: string) => epoch.slice(epoch.lastIndexOf(':') + 1)

function toEntries(flat: string[]): StreamEntry[] {
  const entries: StreamEntry[] = []
  for (let at = 0; at + 1 < flat.length; at += 2)
    entries.push({ place: Number(flat[at]), payload: flat[at + 1] ?? '' })
  return entries
}
