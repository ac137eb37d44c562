/** Other users, as other features and other people may know them. */
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import type { Pagination } from '../../wire/endpoint.ts'
import type { Db } from '../../stores/postgres.ts'
import { isUuid } from '../../wire/fields.ts'
import { parsePhone } from './phone.ts'
import type { PublicUser, Search } from './schema.ts'
import type { PrivacySettings } from './settings.ts'
import {
  findUserByPhone,
  findUserRows,
  searchUsernames,
  writeLastSeen,
  type LastSeen,
} from './store/users.ts'
import type { UserRow } from './store/users.ts'
import { toPublicUser } from './view.ts'

type Reader = Pick<Ctx, 'db'>
type Viewing = Pick<Ctx, 'db' | 'replica' | 'blocks'>

/** A user as other features need one. What of it a given person may see is `findPublicUsers`' business. */
export interface KnownUser {
  id: string
  username: string | null
  fullName: string
  isOnline: boolean
  lastSeen: Date
  privacySettings: PrivacySettings
}

/** The users among those ids that exist and are not deleted. */
export async function findUsers(ctx: Reader, userIds: readonly string[]): Promise<Map<string, KnownUser>> {
  const rows = await findUserRows(ctx.db, wellFormed(userIds))
  return new Map(
    rows.map(({ id, username, fullName, isOnline, lastSeen, privacySettings }) => [
      id,
      {
        id,
        username,
        fullName,
        isOnline: isOnline ?? false,
        lastSeen: lastSeen ?? new Date(0),
        privacySettings,
      },
    ]),
  )
}

/** All of those users, or a 404 if one does not exist or is deleted. */
export async function requireUsers(ctx: Reader, userIds: readonly string[]): Promise<Map<string, KnownUser>> {
  const found = await findUsers(ctx, userIds)
  if (userIds.some((id) => !found.has(id))) throw notFound('user')
  return found
}

/** Those users as the viewer may see them; unknown ones are left out. */
export async function findPublicUsers(
  ctx: Viewing,
  viewerId: string,
  userIds: readonly string[],
): Promise<Map<string, PublicUser>> {
  const users = await toPublicUsers(ctx, viewerId, await readProfiles(ctx, viewerId, wellFormed(userIds)))
  return new Map(users.map((user) => [user.id, user]))
}

/** What may be late of others may not be of oneself, and whoever has just signed up is no stranger. */
async function readProfiles(ctx: Viewing, viewerId: string, userIds: string[]): Promise<UserRow[]> {
  const others = userIds.filter((id) => id !== viewerId)
  const read = (db: Db) => findUserRows(db, others)
  const [rows, own] = await Promise.all([
    ctx.replica.read(read, (found) => found.length === others.length),
    findUserRows(ctx.db, userIds.includes(viewerId) ? [viewerId] : []),
  ])
  return [...own, ...rows]
}

async function toPublicUsers(ctx: Viewing, viewerId: string, rows: UserRow[]): Promise<PublicUser[]> {
  const others = rows.map(({ id }) => id).filter((id) => id !== viewerId)
  const blocks = await ctx.blocks.between(viewerId, others)
  return rows.map((row) =>
    toPublicUser(row, viewerId, {
      presence: blocks.by.has(row.id) || blocks.of.has(row.id),
      picture: blocks.by.has(row.id),
    }),
  )
}

/** The privacy settings of those users; unknown ones are left out. */
export async function privacyOf(
  ctx: Reader,
  userIds: readonly string[],
): Promise<Map<string, PrivacySettings>> {
  const users = await findUsers(ctx, userIds)
  return new Map([...users].map(([id, user]) => [id, user.privacySettings]))
}

/** Writes who is online and when they were last seen, many users in one statement. */
export async function touchLastSeen(ctx: Reader, entries: readonly LastSeen[]): Promise<void> {
  if (entries.length > 0) await writeLastSeen(ctx.db, entries)
}

export async function getPublicUser(ctx: Viewing, actor: DeviceActor, userId: string): Promise<PublicUser> {
  const id = userId.toLowerCase()
  const user = (await findPublicUsers(ctx, actor.userId, [id])).get(id)
  if (user === undefined) throw notFound('user')
  return user
}

const SEARCH = 'user-search'

/** By the whole phone number, or by the beginning of the username. */
export async function searchUsers(
  ctx: Ctx,
  actor: DeviceActor,
  input: Search,
): Promise<{ data: PublicUser[]; pagination: Pagination }> {
  const { limit, cursor, query } = input
  const [after] = cursor === undefined ? [] : ctx.pages.open(SEARCH, actor.userId, cursor)
  const phone = parsePhone(query)
  if (phone !== null) {
    const read = (db: Db) => findUserByPhone(db, phone.phoneNumber)
    const row = await ctx.replica.read(read, (found) => found !== null)
    const data = await toPublicUsers(ctx, actor.userId, row === null ? [] : [row])
    return { data, pagination: { limit, nextCursor: null, hasMore: false } }
  }
  const page = { limit: limit + 1, after: after === undefined ? null : String(after) }
  const rows = await ctx.replica.read((db) => searchUsernames(db, query, page))
  const shown = rows.slice(0, limit)
  const hasMore = rows.length > shown.length
  const last = shown.at(-1)?.username?.toLowerCase()
  return {
    data: await toPublicUsers(ctx, actor.userId, shown),
    pagination: {
      limit,
      nextCursor: hasMore && last !== undefined ? ctx.pages.seal(SEARCH, actor.userId, [last]) : null,
      hasMore,
    },
  }
}

const wellFormed = (ids: readonly string[]): string[] => [...new Set(ids)].filter(isUuid)
