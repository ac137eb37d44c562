/**
 * From one stored event to every socket. Owns the users' event streams and the sockets' places in them.
 * Promises: a user's events have one order, the same on every node and after every resume; what is told twice is
 * dropped by position; what cannot be told is told again from the log, or the client is asked to catch up.
 */
import type { Log } from '../lib/log.ts'
import { redisChannels } from '../stores/redis-keys.ts'
import type { RedisStore } from '../stores/redis.ts'
import { StreamCursors } from './cursor.ts'
import { FanOut } from './fan-out.ts'
import { Feeds } from './feeds.ts'
import { parsePayload, toPayload } from './payload.ts'
import { Streams } from './streams.ts'

export type { ChatFanout, FanoutEvent } from './chat-fanout.ts'
export { FanOut, type FanoutLog } from './fan-out.ts'
export type { Sink } from './seat.ts'
export { parsePayload, toPayload, type EncodedEvent, type MessageMark } from './payload.ts'
export type { StreamState, ToldMessage } from './streams.ts'

export interface DurableEvent {
  event: string
  data: unknown
}

type ControlListener = (subject: string) => void

export class Delivery {
  readonly nodeId: string
  readonly cursors: StreamCursors
  readonly fanOut: FanOut
  readonly feeds: Feeds
  readonly streams: Streams
  readonly #redis: RedisStore
  readonly #log: Log
  readonly #control = new Map<string, ControlListener>()
  readonly #channels = new Map<string, (message: string) => void>()

  constructor(options: { redis: RedisStore; log: Log; nodeId: string; secret: string }) {
    this.nodeId = options.nodeId
    this.#redis = options.redis
    this.#log = options.log
    this.cursors = new StreamCursors(options.secret)
    this.fanOut = new FanOut(options.redis, options.log)
    this.streams = new Streams(options.redis, options.nodeId)
    this.feeds = new Feeds(options.redis, this.streams, this.cursors, options.log)
  }

  async start(): Promise<void> {
    this.onControl('epoch', (epoch) => this.feeds.onEpoch(epoch))
    const own = redisChannels.node(this.nodeId)
    this.#redis.subscriber.on('message', (channel: string, message: string) => {
      try {
        if (channel === own) this.feeds.onNodeMessage(message)
        else if (channel === redisChannels.control) this.#onControl(message)
        else this.#channels.get(channel)?.(message)
      } catch (err) {
        // One message that cannot be read must not keep the others from the sockets.
        this.#log.error({ err, channel }, 'message of a channel failed')
      }
    })
    const subscribe = async () => {
      await this.#redis.subscriber.subscribe(own, redisChannels.control)
      this.feeds.onSubscribed()
    }
    this.#redis.subscriber.on('ready', () => {
      subscribe().catch((err: unknown) =>
        this.#log.warn({ err }, 'not subscribed, to be tried on the next connection'),
      )
    })
    this.feeds.start()
    // A Redis that is away at start is waited for in the background.
    if (this.#redis.isBack()) await subscribe()
  }

  close(): void {
    this.feeds.close()
    this.fanOut.close()
  }

  /** Hears `topic …` said to all nodes. One listener per topic. */
  onControl(topic: string, listener: ControlListener): void {
    this.#control.set(topic, listener)
  }

  /** Says something to all nodes, this one included. Best effort: whoever must not miss it also asks a store. */
  async announce(topic: string, subject: string): Promise<void> {
    await this.#redis.commands.publish(redisChannels.control, `${topic} ${subject}`)
  }

  /**
   * Tells users something durable that belongs to no chat's log. Gives whether it is in their streams: where not, this
   * node's sockets have it all the same, and whoever stored it has to see that it is told again.
   */
  async notifyUsers(userIds: readonly string[], event: DurableEvent, origin = ''): Promise<boolean> {
    if (userIds.length === 0) return true
    const payload = toPayload(event.event, JSON.stringify(event.data))
    const told = await this.fanOut.tellUsers([userIds.join('')], [{ set: 0, payload, origin }])
    if (!told) this.feeds.tellFromLog(userIds, parsePayload(payload), origin)
    return told
  }

  /** Closes the sockets of ended sessions with 4409, here and on the other nodes. */
  async endSessions(sessionIds: readonly string[]): Promise<void> {
    for (const id of sessionIds) this.#control.get('session-ended')?.(id)
    for (const id of sessionIds) await this.announce('session-ended', id)
  }

  /** Follows a channel with short-lived news; the subscription outlives a flush and a reconnect. */
  async follow(channel: string, listener: (message: string) => void): Promise<void> {
    this.#channels.set(channel, listener)
    await this.#redis.subscriber.subscribe(channel)
  }

  async unfollow(channel: string): Promise<void> {
    this.#channels.delete(channel)
    await this.#redis.subscriber.unsubscribe(channel)
  }

  #onControl(message: string): void {
    const space = message.indexOf(' ')
    this.#control.get(message.slice(0, space))?.(message.slice(space + 1))
  }
}
