/** Changes of a group's info and of what its members may do; leaving a chat; one's own settings. */
import type { Ctx } from '../../context.ts'
import { denied, notFound } from '../../lib/errors.ts'
import type { ChatDoc, ChatPermissions, SystemNote } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { noteUntold } from '../untold/index.ts'
import { requireAccess, requireMember } from './access.ts'
import { changeGroup, inTransaction } from './group-change.ts'
import { removeParticipant } from './participants.ts'
import { isAdmin, mayEditInfo } from './roles.ts'
import type { ChatView } from './schema.ts'
import { viewChat } from './view.ts'

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
        const untold = noteUntold('changed')
        const { permissions: may } = changed
        await ctx.mongo.chats.updateOne(
          { _id },
          {
            ...untold,
            $set: { ...info, permissions: may, updatedAt: ctx.clock.now(), ...untold.$set },
          },
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
  if (seq !== null) ctx.after(() => ctx.untold.chats.tell(fresh))
  return viewChat(ctx, fresh, member)
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
  const untold = noteUntold('hidden')
  if (chat.type === 'direct') {
    const { seq } = await ctx.chatLog.state(chatHex, 0)
    await ctx.mongo.members.updateOne(
      { _id: member._id },
      { ...untold, $set: { hiddenSeq: seq, ...untold.$set } },
    )
  } else {
    await inTransaction(ctx, async (session) => {
      await ctx.mongo.chats.updateOne({ _id }, { $pull: { former: actor.userId } }, { session })
      await ctx.mongo.members.updateOne({ _id: member._id }, untold, { session })
    })
  }
  ctx.after(async () => {
    const after = await ctx.mongo.members.findOne({ _id: member._id })
    if (after) await ctx.untold.members.tell(after)
  })
}
