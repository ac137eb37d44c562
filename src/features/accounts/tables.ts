/** Identity in PostgreSQL. `users` keeps the columns and indexes of the hybrid schema document; the rest is ours. */
import { sql } from 'drizzle-orm'
import {
  bigserial,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import {
  NOTIFICATION_DEFAULTS,
  PRIVACY_DEFAULTS,
  type NotificationSettings,
  type PrivacySettings,
} from './settings.ts'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

// The three timestamps without time zone are the document's. They hold UTC, whatever the zone of the server:
// every write says `now() at time zone 'utc'` and none relies on the default.
export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    phoneNumber: varchar('phone_number', { length: 20 }).unique().notNull(),
    countryCode: varchar('country_code', { length: 10 }).notNull(),
    fullName: varchar('full_name', { length: 255 }).notNull(),
    bio: text('bio'),
    profilePictureUrl: text('profile_picture_url'),
    isOnline: boolean('is_online').default(false),
    lastSeen: timestamp('last_seen').default(sql`CURRENT_TIMESTAMP`),
    timezone: varchar('timezone', { length: 50 }).default('Asia/Kolkata'),
    createdAt: timestamp('created_at').default(sql`CURRENT_TIMESTAMP`),
    updatedAt: timestamp('updated_at').default(sql`CURRENT_TIMESTAMP`),

    username: varchar('username', { length: 32 }),
    email: varchar('email', { length: 254 }),
    emailVerified: boolean('email_verified').notNull().default(false),
    passwordHash: text('password_hash'),
    twoFactorEnabled: boolean('two_factor_enabled').notNull().default(false),
    privacySettings: jsonb('privacy_settings').$type<PrivacySettings>().notNull().default(PRIVACY_DEFAULTS),
    notificationSettings: jsonb('notification_settings')
      .$type<NotificationSettings>()
      .notNull()
      .default(NOTIFICATION_DEFAULTS),
    deletedAt: moment('deleted_at'),
    /** Changed then, and the user's devices are not known to have been told. */
    untoldAt: moment('untold_at'),
  },
  (table) => [
    index('idx_users_phone').on(table.phoneNumber, table.countryCode),
    index('idx_users_online').on(table.isOnline),
    // Byte order, so that the same index answers uniqueness, a prefix search and its pages.
    uniqueIndex('users_username_unique').on(sql`lower(${table.username}) COLLATE "C"`),
    uniqueIndex('users_email_unique').on(sql`lower(${table.email})`),
    index('users_untold')
      .on(table.untoldAt)
      .where(sql`untold_at is not null`),
  ],
)

export const devices = pgTable(
  'devices',
  {
    id: uuid('id').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    name: varchar('name', { length: 100 }).notNull(),
    platform: varchar('platform', { length: 16 }).notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [index('devices_user').on(table.userId)],
)

/** One row per sign-in, each with a device of its own. The refresh token rotates in place; `family_hash` finds the row for a spent one too. */
export const sessions = pgTable(
  'sessions',
  {
    id: uuid('id').primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    deviceId: uuid('device_id')
      .notNull()
      .unique()
      .references(() => devices.id, { onDelete: 'cascade' }),
    familyHash: varchar('family_hash', { length: 64 }).notNull().unique(),
    refreshHash: varchar('refresh_hash', { length: 64 }).notNull(),
    rotation: integer('rotation').notNull().default(0),
    lifetimeSeconds: integer('lifetime_seconds').notNull(),
    ipAddress: varchar('ip_address', { length: 64 }),
    userAgent: varchar('user_agent', { length: 256 }),
    createdAt: moment('created_at').notNull().defaultNow(),
    lastActiveAt: moment('last_active_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
    endedAt: moment('ended_at'),
    endReason: varchar('end_reason', { length: 20 }),
    /** Ended then, and the user's other devices are not known to have been told. */
    untoldAt: moment('untold_at'),
  },
  (table) => [
    index('sessions_user').on(table.userId),
    // What every node polls to learn which sessions ended.
    index('sessions_ended')
      .on(table.endedAt)
      .where(sql`ended_at is not null`),
    index('sessions_expiring')
      .on(table.expiresAt)
      .where(sql`ended_at is null`),
    index('sessions_untold')
      .on(table.untoldAt)
      .where(sql`untold_at is not null`),
  ],
)

/** Codes sent to phones. Rows stay a day: they are also what the codes an hour are counted from. */
export const otpCodes = pgTable(
  'otp_codes',
  {
    id: uuid('id').primaryKey(),
    phoneNumber: varchar('phone_number', { length: 20 }).notNull(),
    purpose: varchar('purpose', { length: 20 }).notNull(),
    codeHash: varchar('code_hash', { length: 64 }).notNull(),
    pending: jsonb('pending').$type<PendingRegistration>(),
    requestedFrom: varchar('requested_from', { length: 64 }).notNull(),
    tries: smallint('tries').notNull().default(0),
    createdAt: moment('created_at').notNull().defaultNow(),
    expiresAt: moment('expires_at').notNull(),
    usedAt: moment('used_at'),
    /** A newer code took its place. */
    replacedAt: moment('replaced_at'),
  },
  (table) => [
    index('otp_codes_phone').on(table.phoneNumber, table.createdAt),
    index('otp_codes_created').on(table.createdAt),
  ],
)

/** What `register` was told, kept with the code until the phone has proven itself. */
export interface PendingRegistration {
  fullName: string
  countryCode: string
  email: string | null
  username: string | null
  passwordHash: string | null
  timezone: string | null
}

/** Password attempts: reserved before the password is looked at, so that parallel guesses count as well. */
export const loginAttempts = pgTable(
  'login_attempts',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    account: varchar('account', { length: 64 }).notNull(),
    ipAddress: varchar('ip_address', { length: 64 }).notNull(),
    failed: boolean('failed').notNull().default(false),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [
    index('login_attempts_account').on(table.account, table.at),
    index('login_attempts_address').on(table.ipAddress, table.at),
    index('login_attempts_at').on(table.at),
  ],
)
