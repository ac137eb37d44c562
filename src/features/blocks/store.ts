/** Reads and writes of blocks in PostgreSQL. */
import { and, desc, eq, inArray, or, sql } from 'drizzle-orm'
import type { Db } from '../../stores/postgres.ts'
import { blocks } from './tables.ts'

export interface Block {
  blockerId: string
  blockedId: string
  active: boolean
  version: number
}

const block = {
  blockerId: blocks.blockerId,
  blockedId: blocks.blockedId,
  active: blocks.active,
  version: blocks.version,
}

/** Repeating it changes nothing. */
export async function insertBlock(db: Db, blockerId: string, blockedId: string): Promise<Block> {
  const [row] = await db
    .insert(blocks)
    .values({ blockerId, blockedId })
    .onConflictDoUpdate({
      target: [blocks.blockerId, blocks.blockedId],
      set: {
        active: true,
        version: sql`${blocks.version} + case when ${blocks.active} then 0 else 1 end`,
        changedAt: sql`case when ${blocks.active} then ${blocks.changedAt} else now() end`,
      },
    })
    .returning(block)
  if (row === undefined) throw new Error('a block was written and gave no row')
  return row
}

/** Null where there was no block. */
export async function endBlock(db: Db, blockerId: string, blockedId: string): Promise<Block | null> {
  const [row] = await db
    .update(blocks)
    .set({ active: false, version: sql`${blocks.version} + 1`, changedAt: sql`now()` })
    .where(and(eq(blocks.blockerId, blockerId), eq(blocks.blockedId, blockedId), blocks.active))
    .returning(block)
  return row ?? null
}

/** What there is between two people, ended blocks included. */
export function findPair(db: Db, one: string, other: string): Promise<Block[]> {
  return db
    .select(block)
    .from(blocks)
    .where(
      or(
        and(eq(blocks.blockerId, one), eq(blocks.blockedId, other)),
        and(eq(blocks.blockerId, other), eq(blocks.blockedId, one)),
      ),
    )
}

/** Blocks in force between a user and others, either way. */
export function findBetween(db: Db, userId: string, others: readonly string[]): Promise<Block[]> {
  return db
    .select(block)
    .from(blocks)
    .where(
      and(
        blocks.active,
        or(
          and(eq(blocks.blockerId, userId), inArray(blocks.blockedId, [...others])),
          and(eq(blocks.blockedId, userId), inArray(blocks.blockerId, [...others])),
        ),
      ),
    )
}

export interface BlockFeed {
  asOf: string
  changed: Block[]
}

/** What changed since a moment of this database's clock, and a little before it; without one, lately. */
export async function readChangedBlocks(
  db: Db,
  since: string | null,
  marginSeconds: number,
): Promise<BlockFeed> {
  const [row] = await db.execute<{ as_of: string; changed: Block[] }>(sql`
    select now()::text as as_of, coalesce(json_agg(json_build_object(
      'blockerId', blocker_id, 'blockedId', blocked_id, 'active', active, 'version', version)), '[]') as changed
    from blocks
    where changed_at > coalesce(${since}::timestamptz, now()) - make_interval(secs => ${marginSeconds})`)
  if (row === undefined) throw new Error('the feed of blocks gave no row')
  return { asOf: row.as_of, changed: row.changed }
}

/** Whom a user blocks, newest first; `after` is the last row of the page before. */
export function listBlockRows(
  db: Db,
  blockerId: string,
  page: { limit: number; after: { changedAt: string; blockedId: string } | null },
): Promise<Array<{ blockedId: string; changedAt: Date }>> {
  const { after } = page
  return db
    .select({ blockedId: blocks.blockedId, changedAt: blocks.changedAt })
    .from(blocks)
    .where(
      and(
        eq(blocks.blockerId, blockerId),
        blocks.active,
        after === null
          ? undefined
          : sql`(${blocks.changedAt}, ${blocks.blockedId}) < (${after.changedAt}::timestamptz, ${after.blockedId}::uuid)`,
      ),
    )
    .orderBy(desc(blocks.changedAt), desc(blocks.blockedId))
    .limit(page.limit)
}
