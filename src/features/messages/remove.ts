/** Takes a message away: from everyone, where a tombstone keeps its place, or from the caller alone. */
import { deletedTelling, editedTellings, isVoidFor, seersOf, type MessageView } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { AppError, denied, notFound } from '../../lib/errors.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { mayModerate } from '../chats/index.ts'
import { changeMessage, type Found, type MessageTarget } from './change-message.ts'

/** What records that something happened stays for everyone. */
const RECORDS = new Set(['system', 'call'])

/** The content is gone from the database too; repeating it changes nothing. */
export function deleteForEveryone(ctx: Ctx, actor: DeviceActor, target: MessageTarget): Promise<MessageView> {
  return changeMessage(ctx, actor, target, (found) => {
    const { doc, at } = found
    if (isVoidFor(doc, actor.userId)) throw notFound('message')
    requireMayDelete(ctx, found)
    if (doc.deletedAt) return null
    return {
      set: { message: null, deletedAt: at, deletedBy: actor.userId, updatedAt: at },
      unset: ['edits', 'versions', 'reactions', 'mentions', 'location', 'contact'],
      // A block keeps nothing from being taken back.
      tell: (after, members) => [deletedTelling(ctx.ids, after, seersOf(after, members), actor.userId)],
    }
  })
}

/** The place becomes void for the caller; his other devices hear of it, and nobody else does. */
export function deleteForSelf(ctx: Ctx, actor: DeviceActor, target: MessageTarget): Promise<MessageView> {
  return changeMessage(ctx, actor, target, ({ doc, member }) => {
    if (isVoidFor(doc, actor.userId)) return null
    return {
      push: { voidFor: actor.userId },
      // The first says what happened, the second what the place is from now on.
      tell: (after) => [
        deletedTelling(ctx.ids, after, actor.userId, actor.userId),
        ...editedTellings(ctx.ids, after, [member], 'sent'),
      ],
    }
  })
}

function requireMayDelete(ctx: Ctx, { doc, member, at }: Found): void {
  if (RECORDS.has(doc.messageType))
    throw new AppError('CONFLICT', `A message of type ${doc.messageType} cannot be deleted for everyone.`)
  if (mayModerate(member)) return
  if (doc.senderId !== member.userId)
    throw denied('Only its sender and those who moderate the group may delete a message for everyone.')
  const ageSeconds = (at.getTime() - doc.createdAt.getTime()) / 1000
  if (!doc.deletedAt && ageSeconds > ctx.config.DELETE_WINDOW_SECONDS)
    throw denied(
      `A message may be deleted for everyone for ${ctx.config.DELETE_WINDOW_SECONDS} s after it was sent.`,
    )
}
