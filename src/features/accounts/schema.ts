/** What identity accepts and answers. Unknown fields are refused everywhere. */
import { z } from 'zod'
import { codePoints, limit, page, pathUuid, text, timestamp } from '../../wire/fields.ts'
import { LIMITS } from '../../lib/limits.ts'
import { newPassword, triedPassword } from './passwords.ts'
import { phoneNumber } from './phone.ts'

// Invisible and direction-changing characters let one name look like another. The joiners U+200C and U+200D stay: Persian
// and emoji are written with them.
const INVISIBLE = /[\p{Cc}\u00AD\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2064\u2066-\u206F\uFEFF]/gu

const fullName = text(1, 255)
  .transform((value) => value.normalize('NFC').replaceAll(INVISIBLE, '').trim())
  .refine((value) => value.replaceAll(/[\u200C\u200D\s]/gu, '') !== '' && codePoints(value) <= 255, {
    message: 'must have 1 to 255 visible characters',
  })
  .meta({ examples: ['Asha Rao'] })

/** Plain ASCII: two names that look alike are then the same name. */
const username = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.]{2,31}$/, 'must be 3 to 32 of A-Z a-z 0-9 _ . and begin with a letter')
  .meta({ examples: ['asha.rao'] })

/** What every mail server takes: no quoting, no label that begins or ends with a hyphen. */
const EMAIL =
  /^[A-Za-z0-9_'+-]+(?:\.[A-Za-z0-9_'+-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/

const email = z
  .email({ pattern: EMAIL, error: 'must be an e-mail address' })
  .max(254)
  .meta({ examples: ['asha@example.com'] })

const timezone = z
  .string()
  .max(50)
  .refine(isTimezone, { message: 'must be an IANA time zone, like Asia/Kolkata' })
  .meta({ pattern: '^[A-Za-z][A-Za-z0-9_+/-]*$', examples: ['Asia/Kolkata'] })

function isTimezone(value: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(value)) return false
  try {
    return Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const pictureUrl = text(1, 2048)
  .refine((value) => /^https?:\/\/[^\s]+$/.test(value) && URL.canParse(value), {
    message: 'must be an http or https URL',
  })
  .meta({ format: 'uri', pattern: '^https?:\\/\\/\\S+$', examples: ['https://example.com/asha.png'] })

const device = z
  .strictObject({
    name: text(1, 100),
    platform: z.enum(['ios', 'android', 'web', 'desktop', 'other']),
  })
  .meta({ description: 'what the sessions list shows' })

export type DeviceInput = z.infer<typeof device>

export const registerBody = z.strictObject({
  phoneNumber,
  fullName,
  email: email.optional(),
  username: username.optional(),
  password: newPassword.optional(),
  timezone: timezone.optional(),
})
export type Register = z.infer<typeof registerBody>

export const requestCodeBody = z.strictObject({
  phoneNumber,
  channel: z.enum(['sms', 'voice']).default('sms'),
})
export type RequestCode = z.infer<typeof requestCodeBody>

export const verifyCodeBody = z.strictObject({
  phoneNumber,
  otp: z.string().regex(/^\d{6}$/, 'must be 6 digits'),
  password: newPassword.optional(),
  device: device.optional(),
})
export type VerifyCode = z.infer<typeof verifyCodeBody>

export const loginBody = z
  .strictObject({
    phoneNumber: phoneNumber.optional(),
    email: text(1, 254).optional(),
    username: text(1, 64).optional(),
    password: triedPassword,
    rememberMe: z.boolean().default(false),
    device: device.optional(),
  })
  .refine(
    (body) =>
      [body.phoneNumber, body.email, body.username].filter((value) => value !== undefined).length === 1,
    { message: 'give exactly one of phoneNumber, email and username' },
  )
  .meta({ oneOf: ['phoneNumber', 'email', 'username'].map((field) => ({ required: [field] })) })
export type Login = z.infer<typeof loginBody>

export const refreshBody = z.strictObject({ refreshToken: z.string().min(1).max(200) })

const audience = z.enum(['everyone', 'contacts', 'nobody'])

export const privacySettings = z
  .strictObject({
    lastSeen: audience,
    profilePicture: audience,
    bio: audience,
    online: audience,
    status: audience,
    readReceipts: z.boolean(),
    groupAdds: audience,
    calls: audience,
  })
  .meta({ id: 'PrivacySettings' })

export const notificationSettings = z
  .strictObject({ messages: z.boolean(), groups: z.boolean(), calls: z.boolean(), previews: z.boolean() })
  .meta({ id: 'NotificationSettings' })

export const privacyBody = z.strictObject(privacySettings.partial().shape)
export const notificationsBody = z.strictObject(notificationSettings.partial().shape)

export const profileBody = z.strictObject({
  fullName: fullName.optional(),
  username: username.nullable().optional(),
  email: email.nullable().optional(),
  bio: text(0, 500).nullable().optional(),
  profilePictureUrl: pictureUrl.nullable().optional(),
  timezone: timezone.optional(),
})
export type ProfileInput = z.infer<typeof profileBody>

/** An unescaped plus of a phone number arrives as a space. */
const searchText = text(3, 100).transform((value) => value.replace(/^ (?=\d)/, '+'))

export const searchQuery = z.strictObject({
  query: searchText.meta({ description: 'a whole phone number in E.164, or the beginning of a username' }),
  ...page,
})
export type Search = z.infer<typeof searchQuery>

export const sessionsQuery = z.strictObject({
  limit: limit(LIMITS.pageDefault, LIMITS.pageMax),
  cursor: page.cursor,
})
export type ListSessions = z.infer<typeof sessionsQuery>

export const userParams = z.strictObject({ userId: pathUuid })
export const sessionParams = z.strictObject({ sessionId: pathUuid })

const id = z.uuid()

export const user = z
  .strictObject({
    id,
    phoneNumber: z.string(),
    countryCode: z.string(),
    username: z.string().nullable(),
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    fullName: z.string(),
    bio: z.string().nullable(),
    profilePictureUrl: z.string().nullable(),
    timezone: z.string(),
    isOnline: z.boolean(),
    lastSeen: timestamp,
    privacySettings,
    notificationSettings,
    twoFactorEnabled: z.boolean(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'User' })
export type User = z.infer<typeof user>

export const publicUser = z
  .strictObject({
    id,
    username: z.string().nullable(),
    fullName: z.string(),
    bio: z.string().nullable(),
    profilePictureUrl: z.string().nullable(),
    isOnline: z.boolean().nullable(),
    lastSeen: timestamp.nullable(),
  })
  .meta({
    id: 'PublicUser',
    description: 'Another user, as far as that user lets the caller see; hidden fields are null.',
  })
export type PublicUser = z.infer<typeof publicUser>

export const tokens = z
  .strictObject({
    accessToken: z.string(),
    refreshToken: z.string(),
    tokenType: z.literal('Bearer'),
    expiresIn: z.int(),
  })
  .meta({ id: 'Tokens' })
export type Tokens = z.infer<typeof tokens>

export const codeSent = z
  .strictObject({ otpExpiresIn: z.int(), resendAfter: z.int() })
  .meta({ id: 'CodeSent', description: 'Both in seconds.' })
export type CodeSent = z.infer<typeof codeSent>

export const signedIn = z
  .strictObject({ user, tokens, device: z.strictObject({ id }) })
  .meta({ id: 'SignedIn' })
export type SignedIn = z.infer<typeof signedIn>

export const refreshed = z.strictObject({ tokens }).meta({ id: 'Refreshed' })

export const session = z
  .strictObject({
    id,
    device: z.strictObject({ id, name: z.string(), platform: z.string() }),
    current: z.boolean(),
    ipAddress: z.string().nullable(),
    createdAt: timestamp,
    lastActiveAt: timestamp,
    expiresAt: timestamp,
  })
  .meta({ id: 'Session' })
export type Session = z.infer<typeof session>
