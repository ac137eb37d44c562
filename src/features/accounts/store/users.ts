/** Reads and writes of the user's row. The document's three timestamps hold UTC without a zone. */
import { and, eq, inArray, isNull, sql, type SQL } from 'drizzle-orm'
import type { Db } from '../../../stores/postgres.ts'
import type { NotificationSettings, PrivacySettings } from '../settings.ts'
import { users, type PendingRegistration } from '../tables.ts'
import type { Connection } from './sessions.ts'

export type UserRow = typeof users.$inferSelect

const utcNow = sql`now() at time zone 'utc'`
const alive = isNull(users.deletedAt)

async function findOne(db: Connection, condition: SQL | undefined): Promise<UserRow | null> {
  const [row] = await db.select().from(users).where(and(condition, alive))
  return row ?? null
}

export const findUserById = (db: Connection, id: string) => findOne(db, eq(users.id, id))

export const findUserByPhone = (db: Connection, phoneNumber: string) =>
  findOne(db, eq(users.phoneNumber, phoneNumber))

export const findUserByEmail = (db: Connection, email: string) =>
  findOne(db, sql`lower(${users.email}) = lower(${email})`)

export const findUserByUsername = (db: Connection, username: string) =>
  findOne(db, sql`lower(${users.username}) collate "C" = lower(${username})`)

export async function findUserRows(db: Connection, ids: readonly string[]): Promise<UserRow[]> {
  if (ids.length === 0) return []
  return db
    .select()
    .from(users)
    .where(and(inArray(users.id, [...ids]), alive))
}

/** Makes the user; null where the number, username or e-mail address is taken by then. */
export async function insertUser(
  db: Connection,
  id: string,
  phoneNumber: string,
  pending: PendingRegistration,
): Promise<UserRow | null> {
  const { countryCode, fullName, email, username, passwordHash, timezone } = pending
  const [row] = await db
    .insert(users)
    .values({
      id,
      phoneNumber,
      countryCode,
      fullName,
      email,
      username,
      passwordHash,
      ...(timezone === null ? {} : { timezone }),
      lastSeen: utcNow,
      createdAt: utcNow,
      updatedAt: utcNow,
    })
    .onConflictDoNothing()
    .returning()
  return row ?? null
}

/** The fields of a profile that its owner may write. */
export type ProfilePatch = Partial<
  Pick<
    UserRow,
    'fullName' | 'bio' | 'profilePictureUrl' | 'timezone' | 'username' | 'email' | 'emailVerified'
  >
>

/** Null where the user is gone; `taken` names the unique field that stood in the way. */
export async function updateProfile(
  db: Connection,
  id: string,
  patch: ProfilePatch,
): Promise<UserRow | { taken: 'username' | 'email' } | null> {
  try {
    const [row] = await db
      .update(users)
      .set({ ...patch, updatedAt: utcNow, untoldAt: sql`now()` })
      .where(and(eq(users.id, id), alive))
      .returning()
    return row ?? null
  } catch (err) {
    const taken = violatedField(err)
    if (taken === null) throw err
    return { taken }
  }
}

function violatedField(err: unknown): 'username' | 'email' | null {
  const cause: unknown = err instanceof Error ? err.cause : undefined
  if (typeof cause !== 'object' || cause === null || !('constraint_name' in cause)) return null
  if (cause.constraint_name === 'users_username_unique') return 'username'
  return cause.constraint_name === 'users_email_unique' ? 'email' : null
}

/** Changes only the settings given, in one statement, so that two devices changing different ones keep both. */
export async function mergePrivacy(
  db: Connection,
  id: string,
  patch: Partial<PrivacySettings>,
): Promise<UserRow | null> {
  const [row] = await db
    .update(users)
    .set({
      privacySettings: sql`privacy_settings || ${JSON.stringify(patch)}::jsonb`,
      updatedAt: utcNow,
      untoldAt: sql`now()`,
    })
    .where(and(eq(users.id, id), alive))
    .returning()
  return row ?? null
}

export async function mergeNotifications(
  db: Connection,
  id: string,
  patch: Partial<NotificationSettings>,
): Promise<UserRow | null> {
  const [row] = await db
    .update(users)
    .set({
      notificationSettings: sql`notification_settings || ${JSON.stringify(patch)}::jsonb`,
      updatedAt: utcNow,
      untoldAt: sql`now()`,
    })
    .where(and(eq(users.id, id), alive))
    .returning()
  return row ?? null
}

/** Users whose name begins like that, by name; `after` is the last name of the page before. */
export function searchUsernames(
  db: Connection,
  prefix: string,
  page: { limit: number; after: string | null },
): Promise<UserRow[]> {
  const name = sql`lower(${users.username}) collate "C"`
  const pattern = `${prefix.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
  return db
    .select()
    .from(users)
    .where(
      and(
        sql`${name} like ${pattern}`,
        alive,
        page.after === null ? undefined : sql`${name} > ${page.after}`,
      ),
    )
    .orderBy(name)
    .limit(page.limit)
}

export interface LastSeen {
  userId: string
  isOnline: boolean
  lastSeen: Date
}

/** Writes presence behind the fact, many users at once. A time only moves forward; a row that is locked is left out. */
export async function writeLastSeen(db: Db, entries: readonly LastSeen[]): Promise<void> {
  const rows = JSON.stringify(
    entries.map(({ userId, isOnline, lastSeen }) => ({
      id: userId,
      online: isOnline,
      seen: lastSeen.toISOString(),
    })),
  )
  await db.execute(sql`
    with entry as (
      select distinct on (id) id, online, seen at time zone 'utc' as seen
      from jsonb_to_recordset(${rows}::jsonb) as e(id uuid, online boolean, seen timestamptz)
      order by id, seen desc
    ), held as (
      select u.id from users u join entry on entry.id = u.id
      where u.deleted_at is null order by u.id for update of u skip locked
    )
    update users set is_online = entry.online, last_seen = greatest(users.last_seen, entry.seen)
    from entry join held on held.id = entry.id
    where users.id = entry.id`)
}
