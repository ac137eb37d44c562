/** Reads and writes of sessions and their devices. All times are the database's own, so that no node's clock matters. */
import { and, desc, eq, isNull, lt, sql } from 'drizzle-orm'
import type { Db } from '../../../stores/postgres.ts'
import type { RefreshToken } from '../refresh-tokens.ts'
import { devices, sessions } from '../tables.ts'

/** A transaction or the pool itself. */
export type Connection = Pick<Db, 'select' | 'insert' | 'update' | 'delete' | 'execute'>

export type EndReason = 'logout' | 'logout-all' | 'ended' | 'token-reused' | 'expired'

/** Text that PostgreSQL reads as an array of UUIDs; ids of ours only, so nothing needs quoting. */
export const uuidArray = (ids: readonly string[]): string => `{${ids.join(',')}}`

export interface NewSession {
  id: string
  userId: string
  device: { id: string; name: string; platform: string }
  refresh: RefreshToken
  lifetimeSeconds: number
  ipAddress: string
  userAgent: string | null
}

/** Stores the device and its session; the answer is the database's time. */
export async function insertSession(db: Connection, session: NewSession): Promise<Date> {
  await db.insert(devices).values({ ...session.device, userId: session.userId })
  const [row] = await db
    .insert(sessions)
    .values({
      id: session.id,
      userId: session.userId,
      deviceId: session.device.id,
      familyHash: session.refresh.familyHash,
      refreshHash: session.refresh.hash,
      lifetimeSeconds: session.lifetimeSeconds,
      ipAddress: session.ipAddress,
      userAgent: session.userAgent?.slice(0, 256) ?? null,
      expiresAt: sql`now() + make_interval(secs => ${session.lifetimeSeconds})`,
    })
    .returning({ now: sessions.createdAt })
  if (row === undefined) throw new Error('the session was not stored')
  return row.now
}

export interface Rotated {
  actor: { userId: string; deviceId: string; sessionId: string }
  now: Date
}

/** Puts the next token in the place of the current one. Null where the given one is not current: of two uses one wins. */
export async function rotateRefresh(
  db: Connection,
  given: RefreshToken,
  next: RefreshToken,
  ipAddress: string,
): Promise<Rotated | null> {
  const [row] = await db
    .update(sessions)
    .set({
      refreshHash: next.hash,
      rotation: sql`rotation + 1`,
      ipAddress,
      lastActiveAt: sql`now()`,
      expiresAt: sql`now() + make_interval(secs => lifetime_seconds)`,
    })
    .where(
      and(
        eq(sessions.familyHash, given.familyHash),
        eq(sessions.refreshHash, given.hash),
        isNull(sessions.endedAt),
        sql`expires_at > now()`,
      ),
    )
    .returning({
      userId: sessions.userId,
      deviceId: sessions.deviceId,
      sessionId: sessions.id,
      now: sessions.lastActiveAt,
    })
  if (row === undefined) return null
  const { now, ...actor } = row
  return { actor, now }
}

export interface Ended {
  id: string
  userId: string
}

/** Ends the live session that a spent token belonged to. */
export async function endFamily(db: Connection, given: RefreshToken): Promise<Ended | null> {
  const [row] = await db
    .update(sessions)
    .set({ endedAt: sql`now()`, untoldAt: sql`now()`, endReason: 'token-reused' satisfies EndReason })
    .where(
      and(
        eq(sessions.familyHash, given.familyHash),
        sql`refresh_hash <> ${given.hash}`,
        isNull(sessions.endedAt),
      ),
    )
    .returning({ id: sessions.id, userId: sessions.userId })
  return row ?? null
}

/** Ends one session of that user; false where there is no such live session. */
export async function endSessionOf(
  db: Connection,
  userId: string,
  sessionId: string,
  reason: EndReason,
): Promise<boolean> {
  const rows = await db
    .update(sessions)
    .set({ endedAt: sql`now()`, untoldAt: sql`now()`, endReason: reason })
    .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isNull(sessions.endedAt)))
    .returning({ id: sessions.id })
  return rows.length > 0
}

export async function endAllSessionsOf(db: Connection, userId: string, reason: EndReason): Promise<string[]> {
  const rows = await db
    .update(sessions)
    .set({ endedAt: sql`now()`, untoldAt: sql`now()`, endReason: reason })
    .where(and(eq(sessions.userId, userId), isNull(sessions.endedAt)))
    .returning({ id: sessions.id })
  return rows.map((row) => row.id)
}

/** Which of these sessions have not ended. */
export async function readLiveSessions(db: Connection, sessionIds: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .select({ id: sessions.id })
    .from(sessions)
    .where(and(sql`${sessions.id} = any(${uuidArray(sessionIds)}::uuid[])`, isNull(sessions.endedAt)))
  return new Set(rows.map((row) => row.id))
}

export interface EndedFeed {
  /** The database's time of this reading, in its own text: the next reading starts a margin before it. */
  asOf: string
  ids: string[]
}

/** Sessions that ended after `since` less the margin; without `since`, in the last margin. */
export async function readEndedSessions(
  db: Connection,
  since: string | null,
  marginSeconds: number,
): Promise<EndedFeed> {
  const [row] = await db.execute<{ as_of: string; ids: string[] }>(sql`
    select now()::text as as_of, coalesce(array_agg(id::text), '{}') as ids
    from sessions
    where ended_at > coalesce(${since}::timestamptz, now()) - make_interval(secs => ${marginSeconds})`)
  if (row === undefined) throw new Error('the feed of ended sessions gave no row')
  return { asOf: row.as_of, ids: row.ids }
}

/** Rows that another node is writing are left to it: waiting in different orders would be a deadlock. */
export async function touchSessions(db: Connection, sessionIds: readonly string[]): Promise<void> {
  await db.execute(sql`
    update sessions set last_active_at = now() where id in (
      select id from sessions
      where id = any(${uuidArray(sessionIds)}::uuid[]) and ended_at is null
      order by id for update skip locked)`)
}

export interface SessionRow {
  id: string
  device: { id: string; name: string; platform: string }
  ipAddress: string | null
  createdAt: Date
  lastActiveAt: Date
  expiresAt: Date
}

/** Live sessions of a user, newest first; `before` is the last id of the page before. */
export function listSessionRows(
  db: Connection,
  userId: string,
  page: { limit: number; before: string | null },
): Promise<SessionRow[]> {
  return db
    .select({
      id: sessions.id,
      device: { id: devices.id, name: devices.name, platform: devices.platform },
      ipAddress: sessions.ipAddress,
      createdAt: sessions.createdAt,
      lastActiveAt: sessions.lastActiveAt,
      expiresAt: sessions.expiresAt,
    })
    .from(sessions)
    .innerJoin(devices, eq(devices.id, sessions.deviceId))
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.endedAt),
        sql`expires_at > now()`,
        page.before === null ? undefined : lt(sessions.id, page.before),
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(page.limit)
}

/** Ends sessions whose refresh token has run out, so that their sockets close too. */
export async function endExpiredSessions(db: Connection): Promise<void> {
  await db.execute(sql`
    update sessions set ended_at = now(), end_reason = ${'expired' satisfies EndReason} where id in (
      select id from sessions where ended_at is null and expires_at < now()
      order by id limit 1000 for update skip locked)`)
}

/** What nobody asks for any more; the session goes with its device. */
export async function deleteOldDevices(db: Connection): Promise<void> {
  await db.execute(sql`
    delete from devices where id in (
      select device_id from sessions where ended_at < now() - interval '90 days'
      order by device_id limit 1000 for update skip locked)`)
}
