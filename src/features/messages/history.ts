/** Reading a chat's log: pages both ways, one message, and what changed since a revision. */
import { ObjectId, type Filter } from 'mongodb'
import {
  asLeft,
  canSee,
  loadHead,
  marksAsLeft,
  statusOf,
  toMessage,
  type MessageStatus,
  type MessageView,
} from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import type { MemberDoc, MessageDoc } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import type { Answer } from '../../wire/endpoint.ts'
import { requireAccess, type Access } from '../chats/index.ts'
import { shareReceipts } from '../marks/index.ts'

export interface HistoryQuery {
  limit: number
  before?: string | undefined
  after?: string | undefined
}

/** Ascending by seq in every page; without `before` or `after` the newest page. */
export async function listMessages(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  query: HistoryQuery,
): Promise<Answer<MessageView[]>> {
  const access = await requireAccess(ctx, actor, chatId)
  const forward = query.after !== undefined
  const bound = query.after ?? query.before
  const seq = bound === undefined ? null : await seqOf(ctx, access, bound)
  const found = await ctx.mongo.messages
    .find(visibleBetween(access.member, forward ? (seq ?? 0) : 0, forward ? null : seq))
    .sort({ seq: forward ? 1 : -1 })
    .limit(query.limit + 1)
    .toArray()
  const hasMore = found.length > query.limit
  const page = await asVisible(ctx, access, found.slice(0, query.limit))
  const edge = page.at(-1)
  if (!forward) page.reverse()
  return {
    data: await toViews(ctx, actor, access, page),
    pagination: {
      limit: query.limit,
      hasMore,
      // The edge of the page, to be given as `before` or `after` again.
      nextCursor: hasMore && edge ? ctx.ids.message.encode(edge._id.toHexString()) : null,
    },
  }
}

export async function getMessage(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  messageId: string,
): Promise<MessageView> {
  const access = await requireAccess(ctx, actor, chatId)
  const found = await requireMessage(ctx, access, messageId)
  const [view] = await toViews(ctx, actor, access, await asVisible(ctx, access, [found]))
  if (!view) throw notFound('message')
  return view
}

/** A message of the chat that its caller may see. */
export async function requireMessage(ctx: Ctx, access: Access, messageId: string): Promise<MessageDoc> {
  const hex = ctx.ids.message.decode(messageId)
  const doc = hex && (await ctx.mongo.messages.findOne({ _id: new ObjectId(hex), chatId: access.chatId }))
  if (!doc || !canSee(access.member, doc.seq)) throw notFound('message')
  return doc
}

/** Messages new or changed since a revision, ascending by revision, and the revision to go on from. */
export async function listChanges(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  { since, limit }: { since: number; limit: number },
): Promise<{ messages: MessageView[]; rev: number; hasMore: boolean }> {
  const access = await requireAccess(ctx, actor, chatId)
  if (access.member.left)
    return listChangesAsLeft(ctx, actor, access, { since, limit, end: access.member.left.rev })
  // Before the page: what is stored after this read is beyond the revision that the answer names.
  const head = await loadHead(ctx.mongo, access.chatId)
  const found = await ctx.mongo.messages
    .find({ chatId: access.chatId, rev: { $gt: since, $lte: head.rev } })
    .sort({ rev: 1 })
    .limit(limit + 1)
    .toArray()
  const hasMore = found.length > limit
  const page = found.slice(0, limit)
  const seen = await asVisible(
    ctx,
    access,
    page.filter((doc) => canSee(access.member, doc.seq)),
  )
  return {
    messages: await toViews(ctx, actor, access, seen),
    rev: hasMore ? (page.at(-1)?.rev ?? since) : Math.max(head.rev, since),
    hasMore,
  }
}

/** By the revisions themselves: they are dense, and a message that changed since then is still found by its earlier ones. */
async function listChangesAsLeft(
  ctx: Ctx,
  actor: DeviceActor,
  access: Access,
  { since, limit, end }: { since: number; limit: number; end: number },
): Promise<{ messages: MessageView[]; rev: number; hasMore: boolean }> {
  const to = Math.min(since + limit, end)
  const found = await ctx.mongo.messages
    .find({ chatId: access.chatId, revs: { $elemMatch: { $gt: since, $lte: to } } })
    .hint({ chatId: 1, revs: 1 })
    .toArray()
  const seen = (await asVisible(ctx, access, found)).filter(({ rev }) => rev > since && rev <= to)
  seen.sort((a, b) => a.rev - b.rev)
  return {
    messages: await toViews(ctx, actor, access, seen),
    rev: Math.max(to, since),
    hasMore: to < end,
  }
}

/**
 * What was read of a group may be newer than the membership that was read before it: a removal in between is seen by
 * reading the membership again behind the messages. Who is out sees them as they were when he left. A direct chat keeps
 * its two people.
 */
export async function asVisible(ctx: Ctx, access: Access, docs: MessageDoc[]): Promise<MessageDoc[]> {
  if (access.chat.type === 'direct' || docs.length === 0) return docs
  const member = await ctx.mongo.members.findOne({ _id: access.member._id })
  if (!member) return []
  return docs.filter((doc) => canSee(member, doc.seq)).map((doc) => asLeft(doc, member))
}

/** A seq, or the seq of a message of this chat. */
export async function seqOf(ctx: Ctx, access: Access, place: string | number): Promise<number> {
  if (typeof place === 'number') return place
  if (/^\d{1,15}$/.test(place)) return Number(place)
  return (await requireMessage(ctx, access, place)).seq
}

async function toViews(
  ctx: Ctx,
  actor: DeviceActor,
  access: Access,
  docs: MessageDoc[],
): Promise<MessageView[]> {
  const statusFor = await ownStatuses(ctx, actor, access, docs)
  return docs.map((doc) => toMessage(ctx.ids, doc, { userId: actor.userId, status: statusFor(doc) }))
}

/** What the caller's own messages among these show: the least of what all others did with them. */
export async function ownStatuses(
  ctx: Ctx,
  actor: DeviceActor,
  access: Access,
  docs: MessageDoc[],
): Promise<(doc: MessageDoc) => MessageStatus> {
  const own = docs.some((doc) => doc.senderId === actor.userId)
  const members = own ? await recipientsFor(ctx, access) : []
  const { type, participants } = access.chat
  const shared = !own || type !== 'direct' || (await shareReceipts(ctx, participants))
  return (doc) => {
    if (doc.senderId !== actor.userId) return 'sent'
    const status = statusOf(doc, members)
    return status === 'read' && !shared ? 'delivered' : status
  }
}

/** The others whose marks count: those present, for who is out those who were present then. */
async function recipientsFor(ctx: Ctx, { chatId, member: viewer }: Access): Promise<MemberDoc[]> {
  const { left } = viewer
  if (!left) return ctx.mongo.members.find({ chatId, active: true }).toArray()
  const then = { chatId, $or: [{ active: true }, { 'left.rev': { $gt: left.rev } }] }
  return (await ctx.mongo.members.find(then).toArray()).map((member) => marksAsLeft(member, viewer))
}

function visibleBetween(member: MemberDoc, above: number, below: number | null): Filter<MessageDoc> {
  const ranges = member.visible
    .map(({ from, to }) => ({
      from: Math.max(from, above + 1),
      to: Math.min(to ?? Number.MAX_SAFE_INTEGER, below === null ? Number.MAX_SAFE_INTEGER : below - 1),
    }))
    .filter(({ from, to }) => from <= to)
    .map(({ from, to }) => ({ seq: { $gte: from, $lte: to } }))
  const [only] = ranges
  if (!only) return { chatId: member.chatId, seq: -1 }
  return ranges.length === 1 ? { chatId: member.chatId, ...only } : { chatId: member.chatId, $or: ranges }
}
