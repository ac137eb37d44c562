/** The round trip of fan-out: any number of chats' news in one step each, on the partition that holds the recipients. */
import type { Log } from '../lib/log.ts'
import { redisKeys } from '../stores/redis-keys.ts'
import type { RedisStore } from '../stores/redis.ts'
import type { PartFanout } from './chat-fanout.ts'
import { newEpoch } from './streams.ts'

export type FanoutReply = [status: 'ok' | 'done' | 'gap' | 'unknown', epoch: string, mark: number]

export class FanoutScript {
  readonly #redis: RedisStore
  readonly #log: Log

  constructor(redis: RedisStore, log: Log) {
    this.#redis = redis
    this.#log = log
  }

  /** An answer that is missing stays undefined. `force` sets the mark though none is known. */
  async run(parts: PartFanout[], force: boolean): Promise<Array<FanoutReply | undefined>> {
    const [first] = parts
    if (!first) return []
    if (parts.every(({ tag }) => tag === first.tag)) return this.#runPartition(first.tag, parts, force)
    const byTag = new Map<string, PartFanout[]>()
    for (const part of parts) byTag.set(part.tag, [...(byTag.get(part.tag) ?? []), part])
    const replies = new Map<PartFanout, FanoutReply | undefined>()
    await Promise.all(
      [...byTag].map(async ([tag, own]) => {
        const answers = await this.#runPartition(tag, own, force)
        own.forEach((part, index) => replies.set(part, answers[index]))
      }),
    )
    return parts.map((part) => replies.get(part))
  }

  /** How far each chat was told in a partition; null where that is not known. */
  async marks(tag: string, chatHexes: string[]): Promise<Array<number | null>> {
    if (chatHexes.length === 0) return []
    const values = await this.#redis.commands.mget(chatHexes.map((hex) => redisKeys.fan(tag, hex)))
    return values.map((value) => (value === null ? null : Number(value)))
  }

  async #runPartition(
    tag: string,
    parts: PartFanout[],
    force: boolean,
  ): Promise<Array<FanoutReply | undefined>> {
    const runId = this.#redis.runId(tag)
    if (runId === null) return []
    const pipeline = this.#redis.commands.pipeline()
    const epoch = newEpoch()
    for (const part of parts) pipeline.fanout(tag, runId, ...epoch, ...newsOf(part, force))
    const replies = await pipeline.exec().catch((err: unknown) => {
      this.#log.warn({ err, chats: parts.length }, 'fan-out failed, to be told again')
      return null
    })
    return (replies ?? []).map(([err, reply]) => {
      if (err) this.#log.warn({ err }, 'fan-out script failed, to be told again')
      return err ? undefined : (reply as FanoutReply)
    })
  }
}

function newsOf({ chatHex, from, to, sets, events }: PartFanout, force: boolean): Array<string | number> {
  const args: Array<string | number> = [chatHex, from, to, force ? '1' : '', sets.length, ...sets]
  for (const event of events)
    args.push(event.rev, event.set + 1, event.payload, event.unreadFor, event.origin)
  return args
}
