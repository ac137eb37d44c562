/** The chat list: pinned ones ahead, then newest activity first. */
import { ObjectId, type Filter } from 'mongodb'
import { infoFor } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import type { PagePosition } from '../../lib/page-cursor.ts'
import type { ChatDoc, ChatType, MemberDoc } from '../../stores/mongo.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import type { Pagination } from '../../wire/endpoint.ts'
import { findPublicUsers } from '../accounts/index.ts'
import type { ChatView } from './schema.ts'
import { readHeads, toChats } from './view.ts'

export interface ListChats {
  limit: number
  cursor?: string | undefined
  archived?: boolean | undefined
  type?: ChatType | undefined
  query?: string | undefined
}

interface Found {
  chat: ChatDoc
  member: MemberDoc
}

const PINNED_FIRST: PagePosition = ['pinned', 0]
/** Chats read at once while looking for those that pass the caller's own filters. */
const SCAN = 100
/** A filter that matches next to nothing must not read a list of ten thousand chats in one call. */
const SCAN_MAX = 2000

export async function listChats(
  ctx: Ctx,
  actor: DeviceActor,
  input: ListChats,
): Promise<{ chats: ChatView[]; pagination: Pagination }> {
  const place =
    input.cursor === undefined ? PINNED_FIRST : ctx.pages.open('chats', actor.userId, input.cursor)
  await ctx.chatLog.flushHeads()
  const pinned = await pinnedChats(ctx, actor.userId, input)
  // A place is ['pinned', how many of them were shown] or the activity of the last row below them.
  const ahead = place[0] === 'pinned' ? pinned.slice(Number(place[1])) : []
  const below = place[0] === 'pinned' ? null : place
  const { rest, scannedTo } = await unpinnedChats(
    ctx,
    actor.userId,
    input,
    pinned.map(({ chat }) => chat._id),
    below,
    input.limit - ahead.length + 1,
  )
  const found = [...ahead, ...rest]
  const hasMore = found.length > input.limit || scannedTo !== null
  const shown = found.slice(0, input.limit)
  const shownBelow = shown.slice(ahead.length)
  let next: PagePosition =
    shownBelow.length > 0
      ? nextPosition(shownBelow, below)
      : ['pinned', pinned.length - ahead.length + shown.length]
  // All that was found is shown, and the list goes on where the looking ended.
  if (scannedTo && found.length <= input.limit) next = scannedTo
  return {
    chats: await viewAll(ctx, shown),
    pagination: {
      limit: input.limit,
      hasMore,
      nextCursor: hasMore ? ctx.pages.seal('chats', actor.userId, next) : null,
    },
  }
}

async function viewAll(ctx: Ctx, found: Found[]): Promise<ChatView[]> {
  const heads = await readHeads(
    ctx,
    found.map(({ member }) => member),
  )
  // In a list, direct chats show their two people: without them a client has no name for the row.
  const direct = found.filter(({ chat }) => chat.type === 'direct').map(({ chat }) => chat._id)
  const people = await ctx.mongo.members.find({ chatId: { $in: direct }, active: true }).toArray()
  const views = await toChats(
    ctx,
    found.map(({ chat, member }, index) => ({
      chat,
      member,
      head: heads[index] ?? { last: null, rev: 0 },
      ...(chat.type === 'direct' ? { members: people.filter((one) => one.chatId.equals(chat._id)) } : {}),
    })),
  )
  return views
}

/** Where the list goes on: the activity of the last row, and the rows of that same millisecond that were shown. */
function nextPosition(shown: Found[], before: PagePosition | null): PagePosition {
  const at = shown.at(-1)?.chat.lastMessageAt?.getTime() ?? 0
  const same = shown
    .filter(({ chat }) => chat.lastMessageAt?.getTime() === at)
    .map(({ chat }) => chat._id.toHexString())
  return before?.[0] === at ? [...before, ...same] : [at, ...same]
}

async function pinnedChats(ctx: Ctx, userId: string, input: ListChats): Promise<Found[]> {
  const members = await ctx.mongo.members
    .find({ userId, 'settings.pinned': true })
    .limit(LIMITS.pinnedChats)
    .toArray()
  if (members.length === 0) return []
  const chats = await ctx.mongo.chats.find({ _id: { $in: members.map((member) => member.chatId) } }).toArray()
  const found = chats.flatMap((chat) => {
    const member = members.find((one) => one.chatId.equals(chat._id))
    return member ? [{ chat, member }] : []
  })
  found.sort((a, b) => (b.chat.lastMessageAt?.getTime() ?? 0) - (a.chat.lastMessageAt?.getTime() ?? 0))
  return passing(ctx, userId, found, input)
}

/** `scannedTo` is where the looking ended before the list did. */
async function unpinnedChats(
  ctx: Ctx,
  userId: string,
  input: ListChats,
  pinnedIds: ObjectId[],
  start: PagePosition | null,
  wanted: number,
): Promise<{ rest: Found[]; scannedTo: PagePosition | null }> {
  const found: Found[] = []
  let position = start
  for (let scanned = 0; found.length < Math.max(wanted, 0) && scanned < SCAN_MAX; scanned += SCAN) {
    const shownIds = (position?.slice(1) ?? []).map((hex) => new ObjectId(String(hex)))
    const filter: Filter<ChatDoc> = {
      // Two sorted index scans, merged: nothing is sorted in memory.
      $or: [{ participants: userId }, { former: userId }],
      _id: { $nin: [...pinnedIds, ...shownIds] },
      ...(position ? { lastMessageAt: { $lte: new Date(Number(position[0])) } } : {}),
      ...(input.type ? { type: input.type } : {}),
    }
    const chats = await ctx.mongo.chats.find(filter).sort({ lastMessageAt: -1 }).limit(SCAN).toArray()
    const members = await ctx.mongo.members
      .find({ userId, chatId: { $in: chats.map((chat) => chat._id) } })
      .toArray()
    const byChat = new Map(members.map((member) => [member.chatId.toHexString(), member]))
    const page = chats.flatMap((chat) => {
      const member = byChat.get(chat._id.toHexString())
      return member ? [{ chat, member }] : []
    })
    found.push(...(await passing(ctx, userId, page, input)))
    if (chats.length < SCAN || page.length === 0)
      return { rest: found.slice(0, Math.max(wanted, 0)), scannedTo: null }
    position = nextPosition(page, position)
  }
  const rest = found.slice(0, Math.max(wanted, 0))
  return { rest, scannedTo: rest.length < wanted ? position : null }
}

async function passing(ctx: Ctx, userId: string, found: Found[], input: ListChats): Promise<Found[]> {
  const kept = found.filter(
    ({ chat, member }) =>
      (input.archived === undefined || member.settings.archived === input.archived) &&
      (input.type === undefined || chat.type === input.type) &&
      (member.hiddenSeq === null || chat.lastSeq > member.hiddenSeq),
  )
  return input.query === undefined ? kept : matching(ctx, userId, kept, input.query)
}

/** Groups by their name, direct chats by the other person's. */
async function matching(ctx: Ctx, userId: string, found: Found[], query: string): Promise<Found[]> {
  const needle = query.toLowerCase()
  const peerOf = (chat: ChatDoc) => chat.participants.find((id) => id !== userId) ?? userId
  const peers = await findPublicUsers(
    ctx,
    userId,
    found.filter(({ chat }) => chat.type === 'direct').map(({ chat }) => peerOf(chat)),
  )
  return found.filter(({ chat, member }) => {
    const name = infoFor(chat, member).name ?? peers.get(peerOf(chat))?.fullName ?? ''
    return name.toLowerCase().includes(needle)
  })
}
