// A device that lived through everything must hold what a fresh device would fetch.
import { expect } from 'vitest'
import { catchUpAll } from '../../src/client/catch-up.ts'
import { Replica } from '../../src/client/replica.ts'
import type { Phone } from './phone.ts'
import { until } from './until.ts'

/** What must be equal, in a form that reads well in a failed comparison. */
export function snapshot(store: Replica): Record<string, unknown[]> {
  const chats = [...store.chats].map(([chatId]) => {
    const messages = store.messages(chatId).map((message) => ({
      seq: message.seq,
      id: message.id,
      type: message.type,
      senderId: message.senderId,
      content: message.content,
      isDeleted: message.isDeleted,
      isEdited: message.isEdited,
      pinned: message.pinned,
      reactions: (message.reactions ?? []).toSorted((a, b) => a.emoji.localeCompare(b.emoji)),
    }))
    return [chatId, messages] as const
  })
  return Object.fromEntries(chats.toSorted(([a], [b]) => a.localeCompare(b)))
}

export async function expectConverged(...phones: Phone[]): Promise<void> {
  for (const phone of phones) {
    const fresh = async (): Promise<Record<string, unknown[]>> => {
      const replica = new Replica()
      await catchUpAll(phone.client, replica)
      return snapshot(replica)
    }
    await until(`${phone.name} holds what a fresh device would`, async () => {
      expect(snapshot(phone.store)).toEqual(await fresh())
      return true
    })
    expect(phone.store.oddities()).toEqual([])
  }
}
