/** Gives a message another text. The earlier ones are kept, and its clientMessageId still stands for the first. */
import { editedTellings, isVoidFor, type MessageView } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { AppError, denied, notFound } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { maySend } from '../chats/index.ts'
import { changeMessage, type Found, type MessageTarget } from './change-message.ts'

/** What is not somebody's own words cannot be put otherwise. */
const FIXED = new Set(['system', 'call', 'poll', 'sticker'])

export function editMessage(
  ctx: Ctx,
  actor: DeviceActor,
  target: MessageTarget,
  content: string,
): Promise<MessageView> {
  return changeMessage(ctx, actor, target, (found) => {
    const { doc, at, withheldFor } = found
    requireOwnText(found)
    if (doc.message === content) return null
    requireMayEdit(ctx, found)
    const edit = { content: doc.message, at, ...(withheldFor.length > 0 ? { withheldFor } : {}) }
    return {
      set: { message: content, editedAt: at, updatedAt: at },
      push: { edits: edit },
      tell: (after, members, status) => {
        const reached = members.filter((one) => !withheldFor.includes(one.userId))
        return editedTellings(ctx.ids, after, reached, status)
      },
    }
  })
}

function requireOwnText({ doc, member }: Found): void {
  if (isVoidFor(doc, member.userId)) throw notFound('message')
  if (FIXED.has(doc.messageType))
    throw new AppError('CONFLICT', `A message of type ${doc.messageType} cannot be edited.`)
  if (doc.senderId !== member.userId) throw denied('Only its sender may edit a message.')
  if (doc.deletedAt) throw new AppError('CONFLICT', 'This message was deleted.')
}

function requireMayEdit(ctx: Ctx, { doc, chat, member, at }: Found): void {
  if (!maySend(chat, member)) throw denied('Only admins may write here.')
  const ageSeconds = (at.getTime() - doc.createdAt.getTime()) / 1000
  if (ageSeconds > ctx.config.EDIT_WINDOW_SECONDS)
    throw denied(`A message may be edited for ${ctx.config.EDIT_WINDOW_SECONDS} s after it was sent.`)
  if ((doc.edits?.length ?? 0) >= LIMITS.editsPerMessage)
    throw new AppError('CONFLICT', `A message may be edited ${LIMITS.editsPerMessage} times.`)
}
