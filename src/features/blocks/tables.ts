/** Who blocks whom. A row outlives its block: its version tells newer word from older, and that there may be voids. */
import { sql } from 'drizzle-orm'
import { boolean, index, integer, pgTable, primaryKey, timestamp, uuid } from 'drizzle-orm/pg-core'
import { users } from '../accounts/tables.ts'

const person = (name: string) =>
  uuid(name)
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' })

export const blocks = pgTable(
  'blocks',
  {
    blockerId: person('blocker_id'),
    blockedId: person('blocked_id'),
    active: boolean('active').notNull().default(true),
    /** Raised by every block and unblock of this pair. */
    version: integer('version').notNull().default(1),
    changedAt: timestamp('changed_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.blockerId, table.blockedId] }),
    // The deletion of a user looks for the rows that name him.
    index('blocks_blocked').on(table.blockedId),
    // What every node polls.
    index('blocks_changed').on(table.changedAt),
    index('blocks_listed')
      .on(table.blockerId, table.changedAt, table.blockedId)
      .where(sql`active`),
  ],
)
