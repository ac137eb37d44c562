/**
 * Chats. The first six are those of the hybrid schema; the last three keep direct chats single and ex-members' lists
 * fast, and find what nobody was told of.
 */
import type { CollectionIndexes } from './declaration.ts'

export const chats: CollectionIndexes = {
  collection: 'chats',
  indexes: [
    { name: 'idx_participants', key: { participants: 1 }, serves: "a user's chats" },
    {
      name: 'idx_participants_type',
      key: { participants: 1, type: 1 },
      serves: "a user's chats of one type",
    },
    { name: 'idx_lastMessageAt', key: { lastMessageAt: -1 }, serves: 'chats by activity' },
    {
      name: 'idx_participants_lastMessageAt',
      key: { participants: 1, lastMessageAt: -1 },
      serves: 'the chat list: newest activity first',
    },
    { name: 'idx_createdAt', key: { createdAt: -1 }, serves: 'newest chats' },
    { name: 'idx_updatedAt', key: { updatedAt: -1 }, serves: 'recently changed chats' },
    {
      name: 'uniq_directKey',
      key: { directKey: 1 },
      options: { unique: true, partialFilterExpression: { directKey: { $exists: true } } },
      serves: 'the one direct chat of two people',
    },
    {
      name: 'idx_former_lastMessageAt',
      key: { former: 1, lastMessageAt: -1 },
      serves: 'the chat list of someone who left and has not deleted the chat',
    },
    {
      name: 'idx_untold_at',
      key: { 'untold.at': 1 },
      options: { sparse: true },
      serves: 'chats that were made or changed and not told',
    },
  ],
}
