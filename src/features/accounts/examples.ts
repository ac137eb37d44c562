/** One story for the examples of the documents: Asha signs in on her phone. */
import type { PublicUser, Session, SignedIn, Tokens, User } from './schema.ts'
import { NOTIFICATION_DEFAULTS, PRIVACY_DEFAULTS } from './settings.ts'

const USER_ID = '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10'
const DEVICE_ID = '0199d1a2-7c55-7a01-8d3b-51c0e2f6a7b9'
const NOW = '2026-11-20T08:15:30.123Z'

export const PHONE = '+919812345678'
export const DEVICE = { name: "Asha's phone", platform: 'android' }

export const USER: User = {
  id: USER_ID,
  phoneNumber: PHONE,
  countryCode: '+91',
  username: 'asha.rao',
  email: 'asha@example.com',
  emailVerified: false,
  fullName: 'Asha Rao',
  bio: 'At the lake',
  profilePictureUrl: null,
  timezone: 'Asia/Kolkata',
  isOnline: true,
  lastSeen: NOW,
  privacySettings: PRIVACY_DEFAULTS,
  notificationSettings: NOTIFICATION_DEFAULTS,
  twoFactorEnabled: false,
  createdAt: NOW,
  updatedAt: NOW,
}

export const PUBLIC_USER: PublicUser = {
  id: USER_ID,
  username: 'asha.rao',
  fullName: 'Asha Rao',
  bio: 'At the lake',
  profilePictureUrl: null,
  isOnline: true,
  lastSeen: null,
}

export const TOKENS: Tokens = {
  accessToken: 'eyJhbGciOiJFUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJhdCtqd3QifQ.eyJzdWIiOiIwMTk5ZDFhMiJ9.c2ln',
  refreshToken: 'vJ0mS7l2Zq4w9cYt1uXbKpR3eHd6NfAa8GgQiLoMxBzTjVrWnEsCkUyIhOPD5F70',
  tokenType: 'Bearer',
  expiresIn: 900,
}

export const SIGNED_IN: SignedIn = { user: USER, tokens: TOKENS, device: { id: DEVICE_ID } }

export const SESSION: Session = {
  id: '0199d1a2-7c56-7b90-b1c4-0e9f8a7d6c5b',
  device: { id: DEVICE_ID, ...DEVICE },
  current: true,
  ipAddress: '203.0.113.7',
  createdAt: NOW,
  lastActiveAt: NOW,
  expiresAt: '2026-12-20T08:15:30.123Z',
}
