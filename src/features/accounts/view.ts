/** From the stored row to what its owner and what others see of it. */
import type { PublicUser, User } from './schema.ts'
import type { Audience } from './settings.ts'
import type { UserRow } from './store/users.ts'

/** The user's own view: everything but the secrets. */
export function toUser(row: UserRow): User {
  return {
    id: row.id,
    phoneNumber: row.phoneNumber,
    countryCode: row.countryCode,
    username: row.username,
    email: row.email,
    emailVerified: row.emailVerified,
    fullName: row.fullName,
    bio: row.bio,
    profilePictureUrl: row.profilePictureUrl,
    timezone: row.timezone ?? 'Asia/Kolkata',
    isOnline: row.isOnline ?? false,
    lastSeen: moment(row.lastSeen),
    privacySettings: row.privacySettings,
    notificationSettings: row.notificationSettings,
    twoFactorEnabled: row.twoFactorEnabled,
    createdAt: moment(row.createdAt),
    updatedAt: moment(row.updatedAt),
  }
}

/** What a block hides: presence both ways, and the blocker's picture from the blocked one. */
export interface Hidden {
  presence: boolean
  picture: boolean
}

const NOTHING: Hidden = { presence: false, picture: false }

/** What `viewerId` may see of that user. */
export function toPublicUser(row: UserRow, viewerId: string, hidden: Hidden = NOTHING): PublicUser {
  const own = row.id === viewerId
  const { privacySettings: privacy } = row
  const shown = <T>(audience: Audience, value: T): T | null => (own || isOpen(audience) ? value : null)
  return {
    id: row.id,
    username: row.username,
    fullName: row.fullName,
    bio: shown(privacy.bio, row.bio),
    profilePictureUrl: hidden.picture ? null : shown(privacy.profilePicture, row.profilePictureUrl),
    isOnline: hidden.presence ? null : shown(privacy.online, row.isOnline ?? false),
    lastSeen: hidden.presence ? null : shown(privacy.lastSeen, moment(row.lastSeen)),
  }
}

/** Nobody has a list of contacts yet, so `contacts` shows to the owner alone. */
export const isOpen = (audience: Audience): boolean => audience === 'everyone'

/** The document's columns may be null; a row written by this service never is. */
const moment = (time: Date | null): string => (time ?? new Date(0)).toISOString()
