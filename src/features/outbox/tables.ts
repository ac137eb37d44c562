/** Messages that development "sends". Written by the outbox sender, deleted after an hour; empty in production. */
import { bigserial, index, jsonb, pgTable, text, timestamp, varchar } from 'drizzle-orm/pg-core'

export const outbox = pgTable(
  'outbox',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    channel: varchar('channel', { length: 10 }).notNull(),
    to: varchar('to', { length: 254 }).notNull(),
    body: text('body').notNull(),
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    at: timestamp('at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (table) => [index('outbox_to').on(table.to, table.id), index('outbox_at').on(table.at)],
)
