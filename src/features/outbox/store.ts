import { and, desc, eq, lt, sql } from 'drizzle-orm'
import type { Db } from '../../stores/postgres.ts'
import type { OutgoingMessage } from './sender.ts'
import { outbox } from './tables.ts'

/** Stores the message, and deletes those of more than an hour ago: codes and texts are not for keeping. */
export async function insertMessage(db: Db, message: OutgoingMessage): Promise<void> {
  await db.delete(outbox).where(lt(outbox.at, sql`now() - interval '1 hour'`))
  await db.insert(outbox).values(message)
}

export interface SentMessage extends Omit<OutgoingMessage, 'channel'> {
  channel: string
  at: Date
}

/** The newest messages of the last hour, newest first. */
export function listMessages(db: Db, to: string | undefined, limit: number): Promise<SentMessage[]> {
  return db
    .select({ channel: outbox.channel, to: outbox.to, body: outbox.body, data: outbox.data, at: outbox.at })
    .from(outbox)
    .where(and(sql`at > now() - interval '1 hour'`, to === undefined ? undefined : eq(outbox.to, to)))
    .orderBy(desc(outbox.id))
    .limit(limit)
}
