/** One document per person and chat: role, intervals, marks, own settings. */
import type { CollectionIndexes } from './declaration.ts'

export const members: CollectionIndexes = {
  collection: 'members',
  indexes: [
    {
      name: 'uniq_chatId_userId',
      key: { chatId: 1, userId: 1 },
      options: { unique: true },
      serves: "a chat's members; one person in one chat",
    },
    {
      name: 'idx_userId_pinned',
      key: { userId: 1, 'settings.pinned': 1 },
      serves: "a user's pinned chats, and all his memberships",
    },
    {
      name: 'idx_untold_at',
      key: { 'untold.at': 1 },
      options: { sparse: true },
      serves: 'marks and settings that were stored and not told',
    },
  ],
}
