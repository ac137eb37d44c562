// Catching up without the event stream: the chat list says which chats moved, `changes` says how.
import { ApiError } from './api-error.ts'
import type { Changes, Chat } from './model.ts'
import type { ParleyClient } from './rest.ts'
import type { Storage } from './storage.ts'

/** The most that the server gives at once. */
const CHANGES_PAGE = 100

/** After a `reset`, or on a fresh device: every chat whose revision is not the one held. */
export async function catchUpAll(client: ParleyClient, storage: Storage): Promise<void> {
  const chats = await client.all<Chat>('/api/chats', { limit: 100 })
  const listed = new Set(chats.map((chat) => chat.id))
  for (const chatId of storage.chatIds()) if (!listed.has(chatId)) storage.dropChat(chatId)
  for (const chat of chats) {
    if (storage.revOf(chat.id) < chat.rev || storage.hasGap(chat.id))
      await catchUpChat(client, storage, chat.id)
    else storage.putChat(chat)
  }
}

/** One chat, from the revision held up to now. */
export async function catchUpChat(client: ParleyClient, storage: Storage, chatId: string): Promise<void> {
  try {
    storage.putChat(await client.get<Chat>(`/api/chats/${chatId}`))
    let since = storage.revOf(chatId)
    for (;;) {
      const page = await client.get<Changes>(`/api/chats/${chatId}/changes`, { since, limit: CHANGES_PAGE })
      for (const message of page.messages) storage.putMessage(message)
      storage.settle(chatId, page.rev)
      since = page.rev
      if (!page.hasMore) return
    }
  } catch (err) {
    if (!(err instanceof ApiError) || err.status !== 404) throw err
    storage.dropChat(chatId)
  }
}
