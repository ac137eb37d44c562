import type { Config } from '../../config.ts'
import { unavailable } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Db } from '../../stores/postgres.ts'
import { insertMessage } from './store.ts'

export type Channel = 'sms' | 'voice' | 'email'

export interface OutgoingMessage {
  channel: Channel
  to: string
  body: string
  /** What a template of a real provider is filled with; tests read codes from it. */
  data: Record<string, unknown>
}

export interface MessageSender {
  /** Throws SERVICE_UNAVAILABLE where that channel leads nowhere. */
  requireReady(channel: Channel): void
  send(message: OutgoingMessage): Promise<void>
}

/** The outbox exists in development only, and only while no real provider takes its place. */
export const hasOutbox = (config: Config): boolean => config.development && config.SMS_PROVIDER === 'outbox'

export function openMessageSender(config: Config, db: Db, log: Log): MessageSender {
  if (hasOutbox(config))
    return { requireReady: () => undefined, send: (message) => insertMessage(db, message) }
  log.warn('no SMS provider is configured: codes cannot be sent, nobody can register')
  return { requireReady: refuse, send: async ({ channel }) => refuse(channel) }
}

function refuse(channel: Channel): never {
  throw unavailable(`Messages by ${channel} cannot be sent at the moment.`)
}
