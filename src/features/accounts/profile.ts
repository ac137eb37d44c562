/** The caller's own account: reading it, and changing the profile and the two groups of settings. */
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { taken } from './register.ts'
import type { ProfileInput, User } from './schema.ts'
import type { NotificationSettings, PrivacySettings } from './settings.ts'
import {
  findUserById,
  mergeNotifications,
  mergePrivacy,
  updateProfile,
  type ProfilePatch,
  type UserRow,
} from './store/users.ts'
import { toUser } from './view.ts'

export async function getOwnUser(ctx: Ctx, actor: DeviceActor): Promise<User> {
  return toUser(required(await findUserById(ctx.db, actor.userId)))
}

/** Changes only the fields given. Another e-mail address has to be verified anew. */
export async function editProfile(ctx: Ctx, actor: DeviceActor, input: ProfileInput): Promise<User> {
  const current = required(await findUserById(ctx.db, actor.userId))
  const patch: ProfilePatch = given(input)
  if (Object.keys(patch).length === 0) return toUser(current)
  if (input.email !== undefined && input.email?.toLowerCase() !== current.email?.toLowerCase())
    patch.emailVerified = false
  const updated = required(await updateProfile(ctx.db, actor.userId, patch))
  if ('taken' in updated) throw taken(updated.taken)
  return announce(ctx, updated)
}

export async function editPrivacy(
  ctx: Ctx,
  actor: DeviceActor,
  input: Optional<PrivacySettings>,
): Promise<PrivacySettings> {
  const updated = required(await mergePrivacy(ctx.db, actor.userId, given(input)))
  return announce(ctx, updated).privacySettings
}

export async function editNotifications(
  ctx: Ctx,
  actor: DeviceActor,
  input: Optional<NotificationSettings>,
): Promise<NotificationSettings> {
  const updated = required(await mergeNotifications(ctx.db, actor.userId, given(input)))
  return announce(ctx, updated).notificationSettings
}

/** The user's other devices show the same account. */
function announce(ctx: Ctx, row: UserRow): User {
  ctx.after(() => ctx.untold.accounts.tellUser(row))
  return toUser(row)
}

type Optional<T> = { [K in keyof T]?: T[K] | undefined }
type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function given<T extends object>(input: T): Given<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Given<T>
}

/** A signed-in user without a row was deleted a moment ago. */
function required<T>(row: T | null): T {
  if (row === null) throw notFound('user')
  return row
}
