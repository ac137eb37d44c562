/** Reading users' event streams, and registering this node as the holder of their sockets. */
import { randomBytes } from 'node:crypto'
import { redisKeys } from '../stores/redis-keys.ts'
import type { RedisStore } from '../stores/redis.ts'

export interface StreamEntry {
  id: string
  /** Empty for an entry that only marks a place. */
  payload: string
}

export interface StreamState {
  epoch: string
  lastId: string
  /** `all`: nothing since the asked position is missing. `new-epoch`: these are all entries of the new streams. */
  since: 'all' | 'new-epoch' | 'unknown'
  entries: StreamEntry[]
}

export interface StreamQuestion {
  userId: string
  /** The position to read from; '' for none. */
  epoch: string
  id: string
}

/** How much of a backlog one read brings. */
export const BACKLOG_PAGE = 500
const NOBODY = 'none'

type AttachReply = [epoch: string, Array<[lastId: string, known: number, entries: Array<[string, string[]]>]>]

export class Streams {
  readonly #redis: RedisStore
  readonly #nodeId: string

  constructor(redis: RedisStore, nodeId: string) {
    this.#redis = redis
    this.#nodeId = nodeId
  }

  /** Registers this node for the users and reads what lies behind their positions, atomically. */
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
    await this.#redis.commands.detach(this.#nodeId, userId)
  }

  /** Newest first, up to and including one entry. */
  async readBack(userId: string, id: string, count: number): Promise<StreamEntry[]> {
    return (await this.#redis.commands.xrevrange(redisKeys.stream(userId), id, '-', 'COUNT', count)).map(
      toEntry,
    )
  }

  async whisper(userIds: readonly string[], event: string, json: string): Promise<void> {
    await this.#redis.commands.whisper(userIds.join(''), `${event} ${json}`)
  }

  async #ask(questions: StreamQuestion[], most: number, node: string): Promise<StreamState[]> {
    const runId = this.#redis.runId()
    if (runId === null) throw new Error('redis is away')
    const [fullEpoch, states] = (await this.#redis.commands.attach(
      runId,
      randomBytes(3).toString('hex'),
      node,
      most,
      ...questions.flatMap(({ userId, epoch, id }) => [userId, epoch, id]),
    )) as AttachReply
    const epoch = epochSuffix(fullEpoch)
    return states.map(([lastId, known, entries]) => ({
      epoch,
      lastId,
      since: known === 1 ? 'all' : known === 2 ? 'new-epoch' : 'unknown',
      entries: entries.map(toEntry),
    }))
  }
}

/** The part of an epoch that cursors carry; the rest is the run id of the Redis that it began on. */
export const epochSuffix = (epoch: string) => epoch.slice(epoch.lastIndexOf(':') + 1)

function toEntry([id, fields]: [string, string[]]): StreamEntry {
  return { id, payload: fields[1] ?? '' }
}
