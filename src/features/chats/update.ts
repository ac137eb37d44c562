/** Changes of a group's info and of what its members may do; leaving a chat; one's own settings. */
import type { Ctx } from '../../context.ts'
import { toPayload } from '../../delivery/index.ts'
import { denied, notFound } from '../../lib/errors.ts'
import type { ChatDoc, ChatPermissions, SystemNote } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { requireAccess, requireMember } from './access.ts'
import { changeGroup } from './group-change.ts'
import { removeParticipant } from './participants.ts'
import { isAdmin, mayEditInfo } from './roles.ts'
import type { ChatView } from './schema.ts'
import { activeMembers, readHeads, toChats, viewChat } from './view.ts'

export interface UpdateChat {
  name?: string | undefined
  description?: string | null | undefined
  avatarUrl?: string | null | undefined
  permissions?: Partial<Record<keyof ChatPermissions, 'everyone' | 'admins' | undefined>> | undefined
}

export async function updateChat(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  input: UpdateChat,
): Promise<ChatView> {
  const { chatHex, chatId: _id, chat } = await requireMember(ctx, actor, chatId)
  if (chat.type === 'direct')
    throw denied('A direct chat has no name, description or permissions of its own.')
  const seq = await changeGroup(ctx, chatHex, actor.userId, (state) => {
    const me = state.members.get(actor.userId)
    if (!me) throw notFound('chat')
    const info = changedInfo(state.chat, input)
    const permissions = changedPermissions(state.chat, input)
    if (Object.keys(info).length > 0 && !mayEditInfo(state.chat, me))
      throw denied('Only admins may change the info of this group.')
    if (Object.keys(permissions).length > 0 && !isAdmin(me))
      throw denied('Only admins may change what members may do.')
    if (Object.keys(info).length + Object.keys(permissions).length === 0) return null
    const changed: ChatDoc = {
      ...state.chat,
      ...info,
      permissions: { ...state.chat.permissions, ...permissions },
    }
    const note: SystemNote =
      Object.keys(info).length > 0
        ? { kind: 'info_changed', ...info }
        : { kind: 'settings_changed', permissions }
    return {
      note,
      audience: [...state.members.keys()],
      write: async (session) => {
        await ctx.mongo.chats.updateOne(
          { _id },
          { $set: { ...info, permissions: changed.permissions, updatedAt: ctx.clock.now() } },
          { session },
        )
      },
      events: () => [],
    }
  })
  const [fresh, member] = await Promise.all([
    ctx.mongo.chats.findOne({ _id }),
    ctx.mongo.members.findOne({ chatId: _id, userId: actor.userId }),
  ])
  if (!fresh || !member) throw notFound('chat')
  if (seq !== null) ctx.after(() => announceUpdate(ctx, fresh))
  return viewChat(ctx, fresh, member)
}

/** Each member's devices get his own view: unread count, marks and settings differ by member. */
async function announceUpdate(ctx: Ctx, chat: ChatDoc): Promise<void> {
  const [anyone] = await activeMembers(ctx, chat._id)
  const [head] = anyone ? await readHeads(ctx, [anyone]) : []
  if (!head) return
  // Behind the head: whoever was removed before it is no longer among them.
  const members = await activeMembers(ctx, chat._id)
  const views = await toChats(
    ctx,
    members.map((member) => ({ chat, member, head })),
  )
  await ctx.delivery.fanOut.tellUsers(
    members.map((member) => member.userId),
    views.map((view, set) => ({
      set,
      payload: toPayload('chat:updated', JSON.stringify({ chat: view, rev: view.rev })),
      origin: '',
    })),
  )
}

function changedInfo(chat: ChatDoc, input: UpdateChat) {
  const info: Partial<Pick<ChatDoc, 'name' | 'description' | 'avatarUrl'>> = {}
  if (input.name !== undefined && input.name !== chat.name) info.name = input.name
  if (input.description !== undefined && input.description !== chat.description)
    info.description = input.description
  if (input.avatarUrl !== undefined && input.avatarUrl !== chat.avatarUrl) info.avatarUrl = input.avatarUrl
  return info
}

function changedPermissions(chat: ChatDoc, input: UpdateChat): Partial<ChatPermissions> {
  const changed: Partial<ChatPermissions> = {}
  for (const [name, audience] of Object.entries(input.permissions ?? {}) as Array<
    [keyof ChatPermissions, 'everyone' | 'admins' | undefined]
  >)
    if (audience !== undefined && chat.permissions[name] !== audience) changed[name] = audience
  return changed
}

/** Leaves a group, or takes a chat out of the caller's list until something new happens in it. */
export async function deleteChat(ctx: Ctx, actor: DeviceActor, chatId: string): Promise<void> {
  const { chatHex, chatId: _id, chat, member } = await requireAccess(ctx, actor, chatId)
  await ctx.chatLog.flushHeads()
  if (chat.type !== 'direct' && member.active) await removeParticipant(ctx, actor, chatId, actor.userId)
  if (chat.type === 'direct') {
    const { seq } = await ctx.chatLog.state(chatHex, 0)
    await ctx.mongo.members.updateOne({ _id: member._id }, { $set: { hiddenSeq: seq } })
  } else {
    await ctx.mongo.chats.updateOne({ _id }, { $pull: { former: actor.userId } })
  }
  ctx.after(() => ctx.delivery.notifyUsers([actor.userId], { event: 'chat:deleted', data: { chatId } }))
}
