import { expect, test } from 'vitest'
import { NOTIFICATION_DEFAULTS, PRIVACY_DEFAULTS, type PrivacySettings } from './settings.ts'
import type { UserRow } from './store/users.ts'
import { toPublicUser, toUser } from './view.ts'

const at = new Date('2026-11-20T08:15:30.123Z')
const row = (privacy: Partial<PrivacySettings> = {}): UserRow => ({
  id: 'owner',
  phoneNumber: '+919812345678',
  countryCode: '+91',
  fullName: 'Asha Rao',
  bio: 'At the lake',
  profilePictureUrl: 'https://pictures.example/asha.jpg',
  isOnline: true,
  lastSeen: at,
  timezone: 'Asia/Kolkata',
  createdAt: at,
  updatedAt: at,
  username: 'asha.rao',
  email: 'asha@example.com',
  emailVerified: false,
  passwordHash: '$argon2id$secret',
  twoFactorEnabled: false,
  privacySettings: { ...PRIVACY_DEFAULTS, ...privacy },
  notificationSettings: NOTIFICATION_DEFAULTS,
  deletedAt: null,
  untoldAt: null,
})

const fields = [
  ['bio', 'bio'],
  ['profilePicture', 'profilePictureUrl'],
  ['online', 'isOnline'],
  ['lastSeen', 'lastSeen'],
] as const

test.each(fields)('hiding %s hides that field from others and no other', (setting, field) => {
  for (const audience of ['nobody', 'contacts'] as const) {
    const seen = toPublicUser(row({ [setting]: audience }), 'viewer')
    for (const [, other] of fields) {
      if (other === field) expect(seen[other]).toBeNull()
      else expect(seen[other]).not.toBeNull()
    }
  }
})

test('the owner sees what is hidden from others', () => {
  const seen = toPublicUser(row({ bio: 'nobody', lastSeen: 'nobody', online: 'nobody' }), 'owner')
  expect(seen).toMatchObject({ bio: 'At the lake', isOnline: true, lastSeen: at.toISOString() })
})

test('others see neither number nor e-mail address, and nobody sees the password', () => {
  const text = JSON.stringify(toPublicUser(row(), 'viewer'))
  expect(text).not.toMatch(/9812345678|asha@example/)
  expect(JSON.stringify(toUser(row()))).not.toContain('argon2')
})

test('a block hides presence both ways, and the picture from the blocked one', () => {
  const full = toPublicUser(row(), 'viewer')
  expect(toPublicUser(row(), 'viewer', { presence: true, picture: false })).toEqual({
    ...full,
    isOnline: null,
    lastSeen: null,
  })
  expect(toPublicUser(row(), 'viewer', { presence: true, picture: true })).toEqual({
    ...full,
    isOnline: null,
    lastSeen: null,
    profilePictureUrl: null,
  })
})
