/** Who turned read receipts off in direct chats neither gives nor gets them. */
import type { Ctx } from '../../context.ts'
import { privacyOf } from '../accounts/index.ts'

const KEPT_MS = 5000
const KEPT_MAX = 50_000

const settings = new Map<string, { gives: boolean; readAt: number }>()

export async function shareReceipts(ctx: Ctx, userIds: string[]): Promise<boolean> {
  const now = performance.now()
  const unknown = userIds.filter((id) => now - (settings.get(id)?.readAt ?? -Infinity) > KEPT_MS)
  if (unknown.length > 0) {
    const privacy = await privacyOf(ctx, unknown)
    if (settings.size > KEPT_MAX) settings.clear()
    for (const id of unknown) settings.set(id, { gives: privacy.get(id)?.readReceipts ?? true, readAt: now })
  }
  return userIds.every((id) => settings.get(id)?.gives ?? true)
}
