/** A chat as its caller sees it (API.md §4). */
import type { ObjectId } from 'mongodb'
import { asLeft, canSee, infoFor, preview } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { ChatDoc, MemberDoc, MessageDoc } from '../../stores/mongo.ts'
import { unreadCounts } from '../marks/index.ts'
import { lastVisible } from './access.ts'
import type { ChatView, ParticipantView } from './schema.ts'

/** The end of a chat's log, read from the log. */
export interface Head {
  last: MessageDoc | null
  rev: number
}

export interface ViewQuestion {
  chat: ChatDoc
  member: MemberDoc
  head: Head
  /** Present members, where the answer shows them. */
  members?: MemberDoc[]
}

/** Reads the ends of several chats for one viewer: the newest place that he may see, and the newest revision. */
export async function readHeads(ctx: Ctx, members: MemberDoc[]): Promise<Head[]> {
  const heads = await Promise.all(members.map((member) => readHead(ctx, member)))
  // Behind the messages: a removal since the membership was read must not show what came after it.
  const now = await ctx.mongo.members.find({ _id: { $in: members.map((member) => member._id) } }).toArray()
  const byId = new Map(now.map((member) => [member._id.toHexString(), member]))
  return Promise.all(
    heads.map(async (head, index) => {
      const member = byId.get(members[index]?._id.toHexString() ?? '')
      return member && member.left?.rev !== members[index]?.left?.rev ? readHead(ctx, member) : head
    }),
  )
}

async function readHead(ctx: Ctx, member: MemberDoc): Promise<Head> {
  const end = member.visible.at(-1)?.to ?? null
  const chatId = member.chatId
  const within = end === null ? { chatId } : { chatId, seq: { $lte: end } }
  const [last, newest] = await Promise.all([
    ctx.mongo.messages.findOne(within, { sort: { seq: -1 } }),
    ctx.mongo.messages.findOne({ chatId }, { sort: { rev: -1 }, projection: { rev: 1 } }),
  ])
  const { left } = member
  // Who is out does not learn how much is still going on.
  return { last: last && asLeft(last, member), rev: (left ? left.rev : newest?.rev) ?? 0 }
}

/** Several chats of one caller, with exact unread counts. */
export async function toChats(ctx: Ctx, questions: ViewQuestion[]): Promise<ChatView[]> {
  const unread = await unreadCounts(
    ctx,
    questions.map(({ member, head }) => ({
      member,
      seq: lastVisible(member, head.last?.seq ?? 0),
      rev: head.rev,
    })),
  )
  return questions.map((question, index) => toChat(ctx, question, unread[index] ?? 0))
}

export function toChat(
  ctx: Ctx,
  { chat, member, head, members }: ViewQuestion,
  unreadCount: number,
): ChatView {
  const last = head.last
  const info = infoFor(chat, member)
  return {
    id: ctx.ids.chat.encode(chat._id.toHexString()),
    type: chat.type,
    name: info.name,
    description: info.description,
    avatarUrl: info.avatarUrl,
    createdBy: chat.createdBy,
    participantCount: member.active ? chat.participants.length : 0,
    ...(members
      ? { participants: member.active ? members.map(toParticipant) : [], visible: member.visible }
      : {}),
    lastMessage: last ? lastMessageView(ctx, last, member) : null,
    lastMessageAt: last ? last.createdAt.toISOString() : null,
    lastSeq: last?.seq ?? 0,
    rev: head.rev,
    readSeq: member.readSeq,
    deliveredSeq: Math.max(member.deliveredSeq, member.readSeq),
    unreadCount,
    myRole: member.active ? member.role : null,
    settings: { ...member.settings, mutedUntil: member.settings.mutedUntil?.toISOString() ?? null },
    permissions: info.permissions,
    disappearingSeconds: info.disappearingSeconds,
    createdAt: chat.createdAt.toISOString(),
    updatedAt: (last && last.createdAt > info.updatedAt ? last.createdAt : info.updatedAt).toISOString(),
  }
}

export function toParticipant(member: MemberDoc): ParticipantView {
  return {
    userId: member.userId,
    role: member.role,
    joinedAt: member.joinedAt.toISOString(),
    joinedSeq: member.joinedSeq,
    nickname: member.nickname,
  }
}

function lastMessageView(ctx: Ctx, last: MessageDoc, member: MemberDoc) {
  const hidden = last.voidFor?.includes(member.userId) === true || !canSee(member, last.seq)
  return {
    id: ctx.ids.message.encode(last._id.toHexString()),
    seq: last.seq,
    senderId: hidden ? null : last.senderId,
    type: hidden ? 'void' : last.messageType,
    preview: hidden ? null : preview(last, LIMITS.previewCharacters, member.userId),
    createdAt: last.createdAt.toISOString(),
  }
}

/** One chat for one caller, whole. */
export async function viewChat(ctx: Ctx, chat: ChatDoc, member: MemberDoc): Promise<ChatView> {
  const [members, heads] = await Promise.all([activeMembers(ctx, chat._id), readHeads(ctx, [member])])
  const [view] = await toChats(ctx, [{ chat, member, head: heads[0] ?? { last: null, rev: 0 }, members }])
  if (!view) throw new Error('a chat was asked for and none was made')
  return view
}

/** In the order of their joining. */
export function activeMembers(ctx: Ctx, chatId: ObjectId): Promise<MemberDoc[]> {
  return ctx.mongo.members.find({ chatId, active: true }).sort({ joinedAt: 1, _id: 1 }).toArray()
}
