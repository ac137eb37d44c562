/** Blocks in direct chats: from whom a place is withheld, decided when it is taken. */
import type { ChatState } from './state.ts'

/** Who blocks whom, given by the feature that owns it. Answered from memory: it is asked for every message. */
export interface BlockSource {
  /** Undefined where the pair has to be loaded first. */
  isBlocked(blockerId: string, blockedId: string): boolean | undefined
  /** Throws SERVICE_UNAVAILABLE where nobody can tell. */
  load(one: string, other: string): Promise<void>
}

/** The two people of a direct chat. Groups, and notes to oneself, have no blocks. */
function pairOf({ chat }: ChatState): [string, string] | null {
  const [one, other] = chat.participants
  return chat.type === 'direct' && one !== undefined && other !== undefined ? [one, other] : null
}

export function knowsBlocks(blocks: BlockSource, state: ChatState): boolean {
  const pair = pairOf(state)
  if (!pair) return true
  const [one, other] = pair
  return blocks.isBlocked(one, other) !== undefined && blocks.isBlocked(other, one) !== undefined
}

export async function loadBlocks(blocks: BlockSource, state: ChatState): Promise<void> {
  const pair = pairOf(state)
  if (pair) await blocks.load(...pair)
}

/** Those whom nothing from this sender reaches. */
export function withheldFrom(blocks: BlockSource, state: ChatState, senderId: string): string[] {
  return (pairOf(state) ?? []).filter(
    (userId) => userId !== senderId && blocks.isBlocked(userId, senderId) !== false,
  )
}
