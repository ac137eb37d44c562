/** Accepts a message once, however often the client retries it. The answer means: stored by a majority. */
import { hash } from 'node:crypto'
import { ObjectId } from 'mongodb'
import { canSee, preview, type ChatState, type Draft, type Stored } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { AppError, denied, invalid, notFound } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { MessageDoc } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { findOrMakeDirect, maySend, requireChatHex, requireMember } from '../chats/index.ts'
import type { SendMessage } from './schema.ts'

export async function sendMessage(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  input: SendMessage,
): Promise<Stored> {
  return appendMessage(ctx, actor, chatId, input, await quoteFor(ctx, actor, chatId, input), '')
}

type ReplyTo = NonNullable<MessageDoc['replyTo']>

/** What a reply quotes, or why it may not; null for anything else. A repeated send is answered even so. */
export async function quoteFor(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  input: SendMessage,
): Promise<ReplyTo | AppError | null> {
  if (input.replyToId === undefined) return null
  return quote(ctx, actor, chatId, input.replyToId).catch((err: unknown) => {
    if (err instanceof AppError && !err.retryable) return err
    throw err
  })
}

/** Enters the chat's line at once. `origin` is the connection that gets the ack instead of the event. */
export async function appendMessage(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  input: SendMessage,
  replyTo: ReplyTo | AppError | null,
  origin: string,
): Promise<Stored> {
  const chatHex = requireChatHex(ctx, chatId)
  const draft: Draft = {
    _id: new ObjectId(),
    chatId: new ObjectId(chatHex),
    senderId: actor.userId,
    clientMessageId: input.clientMessageId,
    bodyDigest: digest(input),
    message: input.content ?? null,
    messageType: input.type,
    readBy: [actor.userId],
    callData: null,
  }
  if (replyTo && !(replyTo instanceof AppError)) draft.replyTo = replyTo
  if (input.mentions?.length) draft.mentions = [...new Set(input.mentions)]
  if (input.location) draft.location = input.location
  if (input.contact) draft.contact = input.contact
  return ctx.chatLog.append(chatHex, {
    origin,
    draft,
    admit: (state) => {
      if (replyTo instanceof AppError) throw replyTo
      admit(state, actor, input)
    },
  })
}

/** The same, finding or making the direct chat with someone. */
export async function sendToUser(
  ctx: Ctx,
  actor: DeviceActor,
  receiverId: string,
  input: SendMessage,
): Promise<Stored> {
  const { chat } = await findOrMakeDirect(ctx, actor.userId, receiverId)
  return sendMessage(ctx, actor, ctx.ids.chat.encode(chat._id.toHexString()), input)
}

/** Runs on the chat as of the place that the message takes: a member who was removed before it cannot slip in. */
function admit(state: ChatState, actor: DeviceActor, input: SendMessage): void {
  const member = state.members.get(actor.userId)
  if (!member) throw notFound('chat')
  if (!maySend(state.chat, member)) throw denied('Only admins may write here.')
  if (input.mentions?.some((userId) => !state.members.has(userId)))
    throw invalid('mentions', 'can only name members of the chat')
}

async function quote(ctx: Ctx, actor: DeviceActor, chatId: string, messageId: string): Promise<ReplyTo> {
  const { member, chatId: _chatId } = await requireMember(ctx, actor, chatId)
  const hex = ctx.ids.message.decode(messageId)
  const quoted = hex && (await ctx.mongo.messages.findOne({ _id: new ObjectId(hex), chatId: _chatId }))
  if (!quoted || !canSee(member, quoted.seq) || quoted.voidFor?.includes(actor.userId))
    throw notFound('message')
  const shown = (userId: string) => preview(quoted, LIMITS.previewCharacters, userId)
  // Quoting what was withheld, be it an edit, would show it after all.
  const edits = (quoted.edits ?? []).flatMap((edit) => edit.withheldFor ?? [])
  const withheldFor = [
    ...(quoted.withheldFor ?? []),
    ...new Set(edits.filter((userId) => shown(userId) !== shown(actor.userId))),
  ]
  return {
    id: quoted._id,
    senderId: quoted.senderId,
    type: quoted.messageType,
    preview: shown(actor.userId),
    ...(withheldFor.length > 0 ? { withheldFor } : {}),
  }
}

/** Tells a repeat from another message under the same id. Field order is the schema's, so equal bodies digest equally. */
function digest(input: SendMessage): string {
  const { type, content, replyToId, location, contact, mentions } = input
  return hash(
    'sha256',
    JSON.stringify([type, content, replyToId, location, contact, mentions]),
    'base64url',
  ).slice(0, 16)
}
