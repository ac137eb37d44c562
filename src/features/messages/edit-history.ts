/** The edits of a message, as its viewer may see them. */
import { isVoidFor } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { MessageDoc } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import type { Answer } from '../../wire/endpoint.ts'
import { requireAccess } from '../chats/index.ts'
import type { MessageTarget } from './change-message.ts'
import { asVisible, requireMessage } from './history.ts'

interface Edit {
  content: string | null
  at: string
}

/** Oldest first: each with the text that it replaced. Nothing is left of a deleted message. */
export async function listEdits(
  ctx: Ctx,
  actor: DeviceActor,
  { chatId, messageId }: MessageTarget,
): Promise<Answer<Edit[]>> {
  const access = await requireAccess(ctx, actor, chatId)
  const [doc] = await asVisible(ctx, access, [await requireMessage(ctx, access, messageId)])
  if (!doc || isVoidFor(doc, actor.userId)) throw notFound('message')
  return {
    data: editsFor(doc.edits ?? [], actor.userId),
    pagination: { limit: LIMITS.editsPerMessage, nextCursor: null, hasMore: false },
  }
}

/** Where edits are withheld, the next one replaces the text from before them. */
function editsFor(edits: NonNullable<MessageDoc['edits']>, userId: string): Edit[] {
  const seen: Edit[] = []
  let kept: { content: string | null } | null = null
  for (const edit of edits) {
    const replaced: { content: string | null } = kept ?? edit
    const isWithheld = edit.withheldFor?.includes(userId) === true
    if (!isWithheld) seen.push({ content: replaced.content, at: edit.at.toISOString() })
    kept = isWithheld ? replaced : null
  }
  return seen
}
