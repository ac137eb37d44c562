/** The two groups of settings that live on the user's row, and what they start as (API.md §11). */

export type Audience = 'everyone' | 'contacts' | 'nobody'

export interface PrivacySettings {
  lastSeen: Audience
  profilePicture: Audience
  bio: Audience
  online: Audience
  status: Audience
  readReceipts: boolean
  groupAdds: Audience
  calls: Audience
}

export interface NotificationSettings {
  messages: boolean
  groups: boolean
  calls: boolean
  previews: boolean
}

export const PRIVACY_DEFAULTS: PrivacySettings = {
  lastSeen: 'everyone',
  profilePicture: 'everyone',
  bio: 'everyone',
  online: 'everyone',
  status: 'everyone',
  readReceipts: true,
  groupAdds: 'everyone',
  calls: 'everyone',
}

export const NOTIFICATION_DEFAULTS: NotificationSettings = {
  messages: true,
  groups: true,
  calls: true,
  previews: true,
}
