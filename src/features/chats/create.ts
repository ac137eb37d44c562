/** Makes chats: a direct one exists once for its two people, a group starts with its first system message. */
import { ObjectId } from 'mongodb'
import { receivedEvent, toMessage } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { toPayload, type FanoutEvent } from '../../delivery/index.ts'
import { denied, invalid } from '../../lib/errors.ts'
import type { ChatDoc, ChatType, MemberDoc, MessageDoc, Role } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { privacyOf, requireUsers } from '../accounts/index.ts'
import { inTransaction, systemMessage } from './group-change.ts'
import type { ChatView } from './schema.ts'
import { toChat, viewChat, type ViewQuestion } from './view.ts'

export interface CreateChat {
  type: ChatType
  participantIds: string[]
  name?: string | undefined
  description?: string | undefined
}

export interface CreatedChat {
  chat: ChatView
  isNew: boolean
}

export async function createChat(ctx: Ctx, actor: DeviceActor, input: CreateChat): Promise<CreatedChat> {
  const others = [...new Set(input.participantIds)].filter((id) => id !== actor.userId)
  if (input.type !== 'direct') return createGroup(ctx, actor, input, others)
  if (input.participantIds.length === 0 || others.length > 1)
    throw invalid('participantIds', 'a direct chat has one other person, or yourself for notes')
  if (input.name !== undefined) throw invalid('name', 'a direct chat has no name')
  if (input.description !== undefined) throw invalid('description', 'a direct chat has no description')
  const { chat, member, isNew } = await findOrMakeDirect(ctx, actor.userId, others[0] ?? actor.userId)
  return { chat: await viewChat(ctx, chat, member), isNew }
}

/** The direct chat of two people, made if there is none. Throws 404 where the other does not exist. */
export async function findOrMakeDirect(
  ctx: Ctx,
  userId: string,
  otherId: string,
): Promise<{ chat: ChatDoc; member: MemberDoc; isNew: boolean }> {
  const directKey = [userId, otherId].sort().join(':')
  const found = await findDirect(ctx, directKey, userId)
  if (found) return { ...found, isNew: false }
  await requireUsers(ctx, [otherId])
  const participants = [...new Set([userId, otherId])]
  const chat = newChat(ctx, {
    type: 'direct',
    createdBy: userId,
    participants,
    name: null,
    description: null,
  })
  chat.directKey = directKey
  chat.untold = { at: ctx.clock.now(), version: new ObjectId(), created: true }
  const blocks = await ctx.blocks.between(userId, [otherId])
  const members = participants.map((id): MemberDoc => {
    const member = newMember(ctx, chat._id, id, 'member', 1)
    // Who blocks the maker hears nothing of an empty chat; its first place brings it into his list.
    return blocks.by.has(id) ? { ...member, hiddenSeq: 0 } : member
  })
  try {
    await inTransaction(ctx, async (session) => {
      await ctx.mongo.chats.insertOne(chat, { session })
      await ctx.mongo.members.insertMany(members, { session })
    })
  } catch (err) {
    // Someone made it at the same moment: theirs is the one.
    const theirs = await findDirect(ctx, directKey, userId)
    if (!theirs) throw err
    return { ...theirs, isNew: false }
  }
  announceDirect(ctx, chat, members)
  const member = members.find((one) => one.userId === userId)
  if (!member) throw new Error('the maker of a chat is not in it')
  return { chat, member, isNew: true }
}

async function findDirect(ctx: Ctx, directKey: string, userId: string) {
  const chat = await ctx.mongo.chats.findOne({ directKey })
  const member = chat && (await ctx.mongo.members.findOne({ chatId: chat._id, userId }))
  return member ? { chat, member } : null
}

async function createGroup(
  ctx: Ctx,
  actor: DeviceActor,
  input: CreateChat,
  others: string[],
): Promise<CreatedChat> {
  if (input.name === undefined) throw invalid('name', 'is required')
  if (others.length + 1 > ctx.config.GROUP_MEMBERS_MAX)
    throw invalid('participantIds', `a group has at most ${ctx.config.GROUP_MEMBERS_MAX} members`)
  await requireAddable(ctx, actor, others)
  const participants = [actor.userId, ...others]
  const chat = newChat(ctx, {
    type: input.type,
    createdBy: actor.userId,
    participants,
    name: input.name,
    description: input.description ?? null,
  })
  const members = participants.map((id) =>
    newMember(ctx, chat._id, id, id === actor.userId ? 'owner' : 'member', 1),
  )
  const message = systemMessage(ctx, { chat, seq: 0, rev: 0 }, actor.userId, {
    kind: 'group_created',
    userIds: participants,
    name: input.name,
  })
  await inTransaction(ctx, async (session) => {
    await ctx.mongo.chats.insertOne(chat, { session })
    await ctx.mongo.members.insertMany(members, { session })
    await ctx.mongo.messages.insertOne(message, { session })
  })
  ctx.chatLog.noteHead(chat._id.toHexString(), message)
  announceGroup(ctx, chat, members, message)
  const owner = members[0]
  if (!owner) throw new Error('a group has an owner')
  return {
    chat: toChat(ctx, { chat, member: owner, members, head: { last: message, rev: 1 } }, 0),
    isNew: true,
  }
}

/**
 * Everyone exists and allows being added; throws 404, or PERMISSION_DENIED naming those who do not allow it. Whoever
 * blocks the caller is named like the others: the blocked one is not told.
 */
export async function requireAddable(ctx: Ctx, actor: DeviceActor, userIds: string[]): Promise<void> {
  if (userIds.length === 0) return
  await requireUsers(ctx, userIds)
  const [privacy, blocks] = await Promise.all([
    privacyOf(ctx, userIds),
    ctx.blocks.between(actor.userId, userIds),
  ])
  const refused = userIds.filter(
    (id) => (privacy.get(id)?.groupAdds ?? 'everyone') !== 'everyone' || blocks.by.has(id),
  )
  if (refused.length > 0)
    throw denied(
      'Some of these people do not allow being added to groups.',
      refused.map((userId) => ({ path: userId, message: 'does not allow being added' })),
    )
}

/** Both people's devices learn of it before its first message, unless it is hidden from one of them. */
function announceDirect(ctx: Ctx, chat: ChatDoc, members: MemberDoc[]): void {
  const head = { last: null, rev: 0 }
  const tellings = members
    .filter((member) => member.hiddenSeq === null)
    .map((member) => ({
      userIds: [member.userId],
      event: 'chat:created',
      data: { chat: toChat(ctx, { chat, member, head, members }, 0), rev: head.rev },
    }))
  ctx.after(() => ctx.untold.chats.tell(chat, tellings))
}

/** The owner's view differs from the others' in his role alone, so two views do for any number of members. */
function announceGroup(ctx: Ctx, chat: ChatDoc, members: MemberDoc[], message: MessageDoc): void {
  const head = { last: message, rev: message.rev }
  const sets: string[] = []
  const events: FanoutEvent[] = []
  for (const group of [members.slice(0, 1), members.slice(1)]) {
    const member = group[0]
    if (!member) continue
    const set = sets.push(group.map((one) => one.userId).join('')) - 1
    const payload = createdPayload(ctx, { chat, member, head, members })
    events.push({ rev: message.rev, set, payload, unreadFor: '', origin: '' })
  }
  const everyone = sets.push(members.map((one) => one.userId).join('')) - 1
  events.push(receivedEvent(message, JSON.stringify(toMessage(ctx.ids, message)), everyone, ''))
  ctx.delivery.fanOut.tell([
    { chatHex: chat._id.toHexString(), from: message.rev, to: message.rev, sets, events },
  ])
}

/** `chat:created` for one view. */
export function createdPayload(ctx: Ctx, question: ViewQuestion): string {
  return toPayload('chat:created', JSON.stringify({ chat: toChat(ctx, question, 0), rev: question.head.rev }))
}

function newChat(
  ctx: Ctx,
  given: Pick<ChatDoc, 'type' | 'createdBy' | 'participants' | 'name' | 'description'>,
): ChatDoc {
  const at = ctx.clock.now()
  return {
    _id: new ObjectId(),
    former: [],
    avatarUrl: null,
    permissions: {
      sendMessages: given.type === 'broadcast' ? 'admins' : 'everyone',
      editInfo: given.type === 'direct' ? 'everyone' : 'admins',
      addMembers: given.type === 'direct' ? 'everyone' : 'admins',
      pinMessages: given.type === 'direct' ? 'everyone' : 'admins',
    },
    disappearingSeconds: null,
    lastMessage: null,
    // A new chat belongs on top of the list before anything is said in it.
    lastMessageAt: at,
    lastEntry: null,
    lastSeq: 0,
    fanRev: 0,
    createdAt: at,
    updatedAt: at,
    ...given,
  }
}

export function newMember(
  ctx: Ctx,
  chatId: ObjectId,
  userId: string,
  role: Role,
  fromSeq: number,
): MemberDoc {
  return {
    _id: new ObjectId(),
    chatId,
    userId,
    active: true,
    role,
    nickname: null,
    joinedAt: ctx.clock.now(),
    joinedSeq: fromSeq,
    visible: [{ from: fromSeq, to: null }],
    readSeq: 0,
    deliveredSeq: 0,
    readMarks: [],
    deliveredMarks: [],
    hiddenSeq: null,
    settings: {
      muted: false,
      mutedUntil: null,
      pinned: false,
      archived: false,
      notifications: true,
      theme: null,
      emoji: null,
    },
  }
}
