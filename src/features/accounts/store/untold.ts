/** What was changed of accounts and is not known to have been told, by the database's own time. */
import { and, asc, eq, inArray, isNotNull, isNull, sql } from 'drizzle-orm'
import type { Db } from '../../../stores/postgres.ts'
import { sessions, users } from '../tables.ts'
import type { UserRow } from './users.ts'

/** What is younger is probably just being told. */
const oldEnough = sql`untold_at < now() - interval '1.5 seconds'`

export const untoldUsers = (db: Db, limit: number): Promise<UserRow[]> =>
  db
    .select()
    .from(users)
    .where(and(isNotNull(users.untoldAt), oldEnough, isNull(users.deletedAt)))
    .orderBy(asc(users.untoldAt))
    .limit(limit)

export interface EndedSession {
  id: string
  userId: string
}

export const untoldSessions = (db: Db, limit: number): Promise<EndedSession[]> =>
  db
    .select({ id: sessions.id, userId: sessions.userId })
    .from(sessions)
    .where(and(isNotNull(sessions.untoldAt), oldEnough))
    .orderBy(asc(sessions.untoldAt))
    .limit(limit)

/** Told as of that row: a change since then is another one, and stays. */
export async function settleUser(db: Db, { id, untoldAt }: UserRow): Promise<void> {
  if (untoldAt === null) return
  await db
    .update(users)
    .set({ untoldAt: null })
    .where(and(eq(users.id, id), eq(users.untoldAt, untoldAt)))
}

/** A session ends once. */
export async function settleSessions(db: Db, ids: readonly string[]): Promise<void> {
  await db
    .update(sessions)
    .set({ untoldAt: null })
    .where(inArray(sessions.id, [...ids]))
}
