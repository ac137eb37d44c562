/** Reactions: one emoji per user and message, replaced by the next. */
import { isVoidFor, seersOf, type MessageView, type Telling } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { toPayload } from '../../delivery/index.ts'
import { AppError, notFound } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { MemberDoc, MessageDoc } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { changeMessage, type Found, type MessageTarget } from './change-message.ts'
import { isSameEmoji } from './emoji.ts'

type Reaction = NonNullable<MessageDoc['reactions']>[number]

export function setReaction(
  ctx: Ctx,
  actor: DeviceActor,
  target: MessageTarget,
  emoji: string,
): Promise<MessageView> {
  return changeMessage(ctx, actor, target, (found) => {
    const { doc, at, withheldFor } = found
    requireReactable(found)
    const { own, others } = reactionsOf(doc, actor.userId)
    if (own && isSameEmoji(own.emoji, emoji)) return null
    const kinds = new Set(others.map((reaction) => reaction.emoji))
    // Counted under the form that came first.
    const form = [...kinds].find((kind) => isSameEmoji(kind, emoji)) ?? emoji
    if (kinds.add(form).size > LIMITS.emojiPerMessage)
      throw new AppError('CONFLICT', `A message has at most ${LIMITS.emojiPerMessage} different reactions.`)
    const next: Reaction = { emoji: form, userId: actor.userId, at }
    if (withheldFor.length > 0) next.withheldFor = withheldFor
    return {
      set: { reactions: [...others, next], updatedAt: at },
      tell: (after, members) => [
        ...(own ? [telling(ctx, after, members, 'removed', own)] : []),
        telling(ctx, after, members, 'added', next),
      ],
    }
  })
}

/** Withdraws the caller's reaction; with an emoji only if it is that one. */
export function removeReaction(
  ctx: Ctx,
  actor: DeviceActor,
  target: MessageTarget,
  emoji: string | null,
): Promise<MessageView> {
  return changeMessage(ctx, actor, target, ({ doc, at }) => {
    if (isVoidFor(doc, actor.userId)) throw notFound('message')
    const { own, others } = reactionsOf(doc, actor.userId)
    if (!own || (emoji !== null && !isSameEmoji(own.emoji, emoji))) return null
    return {
      set: { reactions: others, updatedAt: at },
      tell: (after, members) => [telling(ctx, after, members, 'removed', own)],
    }
  })
}

function requireReactable({ doc, member }: Found): void {
  if (isVoidFor(doc, member.userId)) throw notFound('message')
  if (doc.deletedAt) throw new AppError('CONFLICT', 'This message was deleted.')
  if (doc.messageType === 'system')
    throw new AppError('CONFLICT', 'Nobody can react to a message of type system.')
}

function reactionsOf(doc: MessageDoc, userId: string) {
  const reactions = doc.reactions ?? []
  return {
    own: reactions.find((reaction) => reaction.userId === userId),
    others: reactions.filter((reaction) => reaction.userId !== userId),
  }
}

function telling(
  ctx: Ctx,
  after: MessageDoc,
  members: MemberDoc[],
  what: 'added' | 'removed',
  { emoji, userId, withheldFor }: Reaction,
): Telling {
  const data = {
    chatId: ctx.ids.chat.encode(after.chatId.toHexString()),
    messageId: ctx.ids.message.encode(after._id.toHexString()),
    userId,
    emoji,
    rev: after.rev,
  }
  // Whoever did not see it come does not see it go.
  const reached = members.filter((member) => !withheldFor?.includes(member.userId))
  return {
    recipients: seersOf(after, reached),
    rev: after.rev,
    payload: toPayload(`message:reaction:${what}`, JSON.stringify(data)),
    unreadFor: '',
    origin: '',
  }
}
