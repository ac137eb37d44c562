/** The one typed context: what every verb may use. Built by main.ts, closed there in reverse. */
import type { ChatLog } from './chat-log/index.ts'
import type { Config } from './config.ts'
import type { Delivery } from './delivery/index.ts'
import type { Accounts } from './features/accounts/accounts.ts'
import type { UntoldAccounts } from './features/accounts/untold.ts'
import type { Blocks } from './features/blocks/blocks.ts'
import type { Presence } from './features/presence/presence.ts'
import type { MarkWriter } from './features/marks/mark-writer.ts'
import type { Untold } from './features/untold/untold.ts'
import type { Clock } from './lib/clock.ts'
import type { Ids } from './lib/ids.ts'
import type { Log } from './lib/log.ts'
import type { PageCursors } from './lib/page-cursor.ts'
import type { ChatDoc, MemberDoc, Mongo } from './stores/mongo.ts'
import type { Db } from './stores/postgres.ts'
import type { Replica } from './stores/postgres-replica.ts'
import type { RedisStore } from './stores/redis.ts'
import { endpointFor } from './wire/endpoint.ts'
import { frameFor } from './wire/frame.ts'

export interface Ctx {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  readonly ids: Ids
  readonly pages: PageCursors
  readonly db: Db
  /** For reads that may be seconds late; never for signing in, sessions, codes, blocks or what follows a write. */
  readonly replica: Replica
  readonly mongo: Mongo
  readonly redis: RedisStore
  readonly delivery: Delivery
  readonly chatLog: ChatLog
  readonly accounts: Accounts
  readonly blocks: Blocks
  readonly presence: Presence
  /** What is stored outside of the chats' log and has to be told. */
  readonly marks: MarkWriter
  readonly untold: { members: Untold<MemberDoc>; chats: Untold<ChatDoc>; accounts: UntoldAccounts }
  /** Runs work that must not delay the answer: tracked, logged on failure, waited for at shutdown. A hint, never a promise. */
  after(task: () => Promise<unknown>): void
}

export const endpoint = endpointFor<Ctx>()
export const frame = frameFor<Ctx>()
