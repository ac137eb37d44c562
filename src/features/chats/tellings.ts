/**
 * What is untold of a chat, and of a member's own part of it: from the documents alone, so that any node can tell it
 * at any time.
 */
import type { Ctx } from '../../context.ts'
import { loadHead } from '../../chat-log/index.ts'
import type { ChatDoc, MemberDoc } from '../../stores/mongo.ts'
import { receiptTellings } from '../marks/index.ts'
import type { Telling } from '../untold/index.ts'
import { activeMembers, readHeads, toChats, viewChat } from './view.ts'

/** To each member his own view: unread count, marks and settings differ by member. */
export async function chatTellings(ctx: Ctx, chat: ChatDoc): Promise<Telling[]> {
  if (chat.untold?.created) return createdTellings(ctx, chat)
  const [anyone] = await activeMembers(ctx, chat._id)
  const [head] = anyone ? await readHeads(ctx, [anyone]) : []
  if (!head) return []
  // Behind the head: whoever was removed before it is no longer among them.
  const members = await activeMembers(ctx, chat._id)
  const views = await toChats(
    ctx,
    members.map((member) => ({ chat, member, head })),
  )
  return members.flatMap(({ userId }, index) => {
    const view = views[index]
    return view ? [{ userIds: [userId], event: 'chat:updated', data: { chat: view, rev: view.rev } }] : []
  })
}

/** Both people of a direct chat, unless it is hidden from one of them. */
async function createdTellings(ctx: Ctx, chat: ChatDoc): Promise<Telling[]> {
  const members = await activeMembers(ctx, chat._id)
  const told = members.filter((member) => member.hiddenSeq === null)
  return Promise.all(
    told.map(async (member) => {
      const view = await viewChat(ctx, chat, member)
      return { userIds: [member.userId], event: 'chat:created', data: { chat: view, rev: view.rev } }
    }),
  )
}

/** Receipts to those whom they concern; settings, and that the chat is out of his list, to the member's own devices. */
export async function memberTellings(
  ctx: Ctx,
  member: MemberDoc,
  told: MemberDoc | undefined,
): Promise<Telling[]> {
  const tellings = await receiptTellings(ctx, member, told)
  const { settings, hidden } = member.untold ?? {}
  if (!settings && !hidden) return tellings
  const chat = await ctx.mongo.chats.findOne({ _id: member.chatId })
  if (!chat) return tellings
  if (hidden && (await isOutOfList(ctx, chat, member))) {
    const chatId = ctx.ids.chat.encode(chat._id.toHexString())
    tellings.push({ userIds: [member.userId], event: 'chat:deleted', data: { chatId } })
  } else if (settings && member.active) {
    const view = await viewChat(ctx, chat, member)
    tellings.push({ userIds: [member.userId], event: 'chat:updated', data: { chat: view, rev: view.rev } })
  }
  return tellings
}

/** Something new in the chat may have brought it back since. */
async function isOutOfList(ctx: Ctx, chat: ChatDoc, member: MemberDoc): Promise<boolean> {
  if (chat.type !== 'direct') return !member.active && !chat.former.includes(member.userId)
  return member.hiddenSeq !== null && (await loadHead(ctx.mongo, chat._id)).seq <= member.hiddenSeq
}
