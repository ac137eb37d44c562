/**
 * Unread counts: derived from the log and the read mark, kept in Redis only where the keeping cannot go wrong. Fan-out
 * raises a count that is there, once per revision; a read throws it away. A count is computed under a token, and it is
 * kept only if neither happened meanwhile; while fan-out lags behind the log it is not kept at all.
 */
import { randomBytes } from 'node:crypto'
import type { ObjectId } from 'mongodb'
import { loadHead } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import type { MemberDoc } from '../../stores/mongo.ts'
import { redisKeys } from '../../stores/redis-keys.ts'

const TOKEN_SECONDS = 10

export interface UnreadQuestion {
  member: MemberDoc
  /** The chat's end as read from the log. */
  seq: number
  rev: number
}

/** Exact counts of several chats of one user, in the order asked. */
export async function unreadCounts(ctx: Ctx, questions: UnreadQuestion[]): Promise<number[]> {
  const open = questions.filter(({ member, seq }) => seq > member.readSeq)
  const counts = new Map<UnreadQuestion, number>()
  const kept = await keptCounts(ctx, open)
  const missing: UnreadQuestion[] = []
  open.forEach((question, index) => {
    const count = kept[index]
    if (count === undefined) missing.push(question)
    else counts.set(question, count)
  })
  if (missing.length > 0) {
    const computed = await computeAndKeep(ctx, missing)
    missing.forEach((question, index) => counts.set(question, computed[index] ?? 0))
  }
  return questions.map((question) => counts.get(question) ?? 0)
}

/** Counts in the log itself, up to a place: what fan-out tells later is then added to it, and not counted twice. */
function countUnread(ctx: Ctx, member: MemberDoc, upTo: number): Promise<number> {
  return ctx.mongo.messages.countDocuments(unreadFilter(member, upTo))
}

/** To be called once the read mark is stored and before the caller hears of it. */
export async function forgetUnread(ctx: Ctx, userId: string, chatId: ObjectId): Promise<void> {
  await ctx.redis.commands.del(unreadKey(ctx, userId, chatId)).catch(() => undefined)
}

/** What counts: above the mark, within membership, someone else's, neither system nor deleted nor void. */
function unreadFilter(member: MemberDoc, upTo: number) {
  const intervals = member.visible
    .map(({ from, to }) => ({ from: Math.max(from, member.readSeq + 1), to: Math.min(to ?? upTo, upTo) }))
    .filter(({ from, to }) => to >= from)
    .map(({ from, to }) => ({ seq: { $gte: from, $lte: to } }))
  return {
    chatId: member.chatId,
    ...(intervals.length > 0 ? { $or: intervals } : { seq: -1 }),
    senderId: { $ne: member.userId },
    messageType: { $ne: 'system' },
    deletedAt: { $exists: false },
    voidFor: { $ne: member.userId },
  }
}

async function keptCounts(ctx: Ctx, questions: UnreadQuestion[]): Promise<Array<number | undefined>> {
  if (questions.length === 0) return []
  // One command, so that a count and the mark it belongs to are of the same instant. A kept count holds what
  // fan-out has told: it is right only where that is the whole log, and from the mark it was counted from.
  const values = await ctx.redis.commands
    .mget(questions.flatMap(({ member }) => [keyOf(ctx, member), fanKey(ctx, member)]))
    .catch(() => [])
  return questions.map(({ member, rev }, index) => {
    const [count, readSeq] = (values[index * 2] ?? '').split(':')
    const right = Number(values[index * 2 + 1]) === rev && Number(readSeq) === member.readSeq
    return right && count ? Number(count) : undefined
  })
}

async function computeAndKeep(ctx: Ctx, questions: UnreadQuestion[]): Promise<number[]> {
  const token = `?${randomBytes(6).toString('hex')}`
  const marked = await markComputing(ctx, questions, token)
  const counts = await Promise.all(questions.map(({ member, seq }) => countUnread(ctx, member, seq)))
  if (marked) {
    const marks = await ctx.redis.commands
      .mget(questions.map(({ member }) => fanKey(ctx, member)))
      .catch(() => [])
    const worth = await whereNothingHappened(ctx, questions, (index) => marks[index], counts)
    if (worth.length > 0)
      await ctx.redis.commands
        .unreadPut(worth.length, ...worth.map(({ key }) => key), token, ...worth.map(({ value }) => value))
        .catch(() => undefined)
  }
  return counts
}

/**
 * What fan-out has told exactly up to the question's revision, and the log has nothing behind. The place and the
 * revision of a question are read one beside the other, so that a message may lie between them: it would be counted
 * never or twice.
 */
async function whereNothingHappened(
  ctx: Ctx,
  questions: UnreadQuestion[],
  markOf: (index: number) => string | null | undefined,
  counts: number[],
): Promise<Array<{ key: string; value: string }>> {
  const kept = await Promise.all(
    questions.map(async ({ member, seq, rev }, index) => {
      if (markOf(index) !== String(rev)) return null
      const head = await loadHead(ctx.mongo, member.chatId)
      if (head.rev !== rev || head.seq !== seq) return null
      return { key: keyOf(ctx, member), value: `${counts[index] ?? 0}:${member.readSeq}` }
    }),
  )
  return kept.filter((one) => one !== null)
}

/** The tokens must be there before the log is counted. */
async function markComputing(ctx: Ctx, questions: UnreadQuestion[], token: string): Promise<boolean> {
  const pipeline = ctx.redis.commands.pipeline()
  for (const { member } of questions) pipeline.set(keyOf(ctx, member), token, 'EX', TOKEN_SECONDS)
  return pipeline.exec().then(
    () => true,
    () => false,
  )
}

/** All questions are of one user, so that all his keys are in one partition. */
const keyOf = (ctx: Ctx, member: MemberDoc) => unreadKey(ctx, member.userId, member.chatId)

const unreadKey = (ctx: Ctx, userId: string, chatId: ObjectId) =>
  redisKeys.unread(ctx.redis.partitions.of(userId), userId, chatId.toHexString())

const fanKey = (ctx: Ctx, member: MemberDoc) =>
  redisKeys.fan(ctx.redis.partitions.of(member.userId), member.chatId.toHexString())
