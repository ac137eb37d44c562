/** The caller's own settings of a chat: only the fields given change, on all of his devices. */
import type { Ctx } from '../../context.ts'
import { invalid } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { noteUntold } from '../untold/index.ts'
import { requireMember } from './access.ts'
import type { ChatView } from './schema.ts'
import { viewChat } from './view.ts'

export interface ChangeSettings {
  muted?: boolean | undefined
  mutedUntil?: string | null | undefined
  pinned?: boolean | undefined
  archived?: boolean | undefined
  notifications?: boolean | undefined
  theme?: string | null | undefined
  emoji?: string | null | undefined
}

export async function changeSettings(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  input: ChangeSettings,
): Promise<ChatView> {
  const { chat, member } = await requireMember(ctx, actor, chatId)
  if (input.pinned === true && !member.settings.pinned) {
    const pinned = await ctx.mongo.members.countDocuments({ userId: actor.userId, 'settings.pinned': true })
    if (pinned >= LIMITS.pinnedChats)
      throw invalid('pinned', `at most ${LIMITS.pinnedChats} chats can be pinned`)
  }
  const changes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue
    changes[`settings.${name}`] = name === 'mutedUntil' && typeof value === 'string' ? new Date(value) : value
  }
  const untold = noteUntold('settings')
  const after = await ctx.mongo.members.findOneAndUpdate(
    { _id: member._id },
    { ...untold, $set: { ...changes, ...untold.$set } },
    { returnDocument: 'after' },
  )
  if (after) ctx.after(() => ctx.untold.members.tell(after))
  return viewChat(ctx, chat, after ?? member)
}
