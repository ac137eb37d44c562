/** Typing: shown for three seconds unless said again, to the other members, stored nowhere that matters. */
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import { LIMITS } from '../../lib/limits.ts'
import { redisKeys } from '../../stores/redis-keys.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { requireChatHex } from '../chats/index.ts'

/** Who is typing where, as this node said it: it also says the end of it. */
const shown = new Map<string, NodeJS.Timeout>()

export async function setTyping(
  ctx: Ctx,
  actor: DeviceActor,
  chatId: string,
  typing: boolean,
): Promise<void> {
  const chatHex = requireChatHex(ctx, chatId)
  const { chat, members } = await ctx.chatLog.state(chatHex)
  if (!members.has(actor.userId)) throw notFound('chat')
  const others = [...members.keys()].filter((userId) => userId !== actor.userId)
  const key = redisKeys.typing(chatHex, actor.userId)
  const { commands } = ctx.redis
  clearTimeout(shown.get(key))
  shown.delete(key)
  if (typing) {
    const timer = setTimeout(() => ctx.after(() => setTyping(ctx, actor, chatId, false)), LIMITS.typingMs)
    timer.unref()
    shown.set(key, timer)
  }
  const [other] = others
  if (chat.type === 'direct' && other !== undefined && (await ctx.blocks.apart(actor.userId, other))) return
  // Without Redis nobody sees it, and that is all.
  const stored = typing ? commands.set(key, '1', 'PX', LIMITS.typingMs) : commands.del(key)
  await Promise.allSettled([
    stored,
    ctx.delivery.streams.whisper(
      others,
      typing ? 'message:typing' : 'message:stop_typing',
      JSON.stringify({ chatId, userId: actor.userId }),
    ),
  ])
}
