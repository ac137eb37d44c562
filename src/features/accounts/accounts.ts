/** The state that identity keeps in memory, one instance per process, on the context as `ctx.accounts`. */
import type { Config } from '../../config.ts'
import type { Clock } from '../../lib/clock.ts'
import { AppError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Db } from '../../stores/postgres.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { openMessageSender, type MessageSender } from '../outbox/index.ts'
import { AccessTokens } from './access-tokens.ts'
import { CodeHasher } from './codes.ts'
import { RefreshTokens } from './refresh-tokens.ts'
import { SessionWatch } from './session-watch.ts'
import { Sweeper } from './sweeper.ts'

/** Imports nothing from the context, which imports this type. */
export interface Accounts {
  readonly tokens: AccessTokens
  readonly sessions: SessionWatch
  readonly refreshTokens: RefreshTokens
  readonly codes: CodeHasher
  readonly sender: MessageSender
  /** Who a bearer token is. Throws UNAUTHORIZED without one, INVALID_TOKEN or TOKEN_EXPIRED for a bad one. */
  authenticate(token: string | null): Promise<DeviceActor>
  start(): Promise<void>
  close(): Promise<void>
}

export interface AccountsNeeds {
  config: Config
  db: Db
  log: Log
  clock: Clock
}

/** Throws where a configured key cannot sign. `start` begins to follow the sessions, `close` ends that. */
export async function openAccounts({ config, db, log, clock }: AccountsNeeds): Promise<Accounts> {
  const tokens = await AccessTokens.open(config.JWT_PRIVATE_KEYS, clock)
  const sessions = new SessionWatch(db, log)
  const sweeper = new Sweeper(db, log)
  return {
    tokens,
    sessions,
    refreshTokens: new RefreshTokens(config.ID_SECRET),
    codes: new CodeHasher(config.ID_SECRET),
    sender: openMessageSender(config, db, log),
    authenticate: async (token) => {
      if (token === null || token === '')
        throw new AppError('UNAUTHORIZED', 'Sign in first: send "Authorization: Bearer <access token>".')
      const actor = await tokens.verify(token)
      if (!(await sessions.isLive(actor.sessionId)))
        throw new AppError('INVALID_TOKEN', 'This session has ended. Sign in again.')
      return actor
    },
    start: async () => {
      await sessions.start()
      if (config.ROLES.includes('worker')) sweeper.start()
    },
    close: async () => {
      await sweeper.close()
      await sessions.close()
    },
  }
}
