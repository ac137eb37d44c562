/** Blocks in direct chats: from whom a place is withheld, decided when it is taken. */
import { unavailable } from '../lib/errors.ts'
import type { ChatState } from './state.ts'

/** Who blocks whom, given by the feature that owns it. Answered from memory: it is asked for every message. */
export interface BlockSource {
  /** False where the pair has to be loaded first. */
  knows(one: string, other: string): boolean
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
  return !pair || blocks.knows(...pair)
}

export async function loadBlocks(blocks: BlockSource, state: ChatState): Promise<void> {
  const pair = pairOf(state)
  if (pair) await blocks.load(...pair)
}

/**
 * Those whom nothing from this sender reaches. Throws where it is not known: what is stored as withheld stays so for
 * ever, and so does what is not.
 */
export function withheldFrom(blocks: BlockSource, state: ChatState, senderId: string): string[] {
  return (pairOf(state) ?? []).filter((userId) => {
    if (userId === senderId) return false
    const blocked = blocks.isBlocked(userId, senderId)
    if (blocked === undefined) throw unavailable('This chat cannot be written right now; send again.')
    return blocked
  })
}
