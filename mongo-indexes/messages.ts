/**
 * Messages: the log of each chat. The first eight are those of the hybrid schema; the unique ones carry the
 * invariants: dense order, once per clientMessageId, and no revision given twice.
 */
import type { CollectionIndexes } from './declaration.ts'

export const messages: CollectionIndexes = {
  collection: 'messages',
  indexes: [
    { name: 'idx_chatId', key: { chatId: 1 }, serves: "a chat's messages" },
    { name: 'idx_chatId_createdAt', key: { chatId: 1, createdAt: 1 }, serves: 'pages by time, ascending' },
    {
      name: 'idx_chatId_createdAt_desc',
      key: { chatId: 1, createdAt: -1 },
      serves: 'pages by time, descending',
    },
    { name: 'idx_senderId', key: { senderId: 1 }, serves: "a sender's messages" },
    { name: 'idx_createdAt', key: { createdAt: -1 }, serves: 'the sweep: what was stored lately' },
    { name: 'idx_messageType', key: { messageType: 1 }, serves: 'messages of one type' },
    { name: 'idx_messageType_createdAt', key: { messageType: 1, createdAt: -1 }, serves: 'call history' },
    { name: 'idx_readBy', key: { readBy: 1 }, serves: 'what a user has read' },
    {
      name: 'uniq_chatId_seq',
      key: { chatId: 1, seq: 1 },
      options: { unique: true },
      serves: 'history pages, the head of a chat, unread counts; guards the dense order',
    },
    {
      name: 'uniq_chatId_senderId_clientMessageId',
      key: { chatId: 1, senderId: 1, clientMessageId: 1 },
      options: { unique: true, partialFilterExpression: { clientMessageId: { $exists: true } } },
      serves: 'the first message of a repeated send; guards once',
    },
    {
      name: 'uniq_chatId_revs',
      key: { chatId: 1, revs: 1 },
      options: { unique: true },
      serves:
        'telling again from the log; guards that a revision is taken once, also after its message moved on',
    },
    {
      name: 'idx_chatId_rev',
      key: { chatId: 1, rev: 1 },
      serves: 'changes since a revision, the newest revision',
    },
    {
      name: 'idx_changedAt',
      key: { changedAt: -1 },
      options: { partialFilterExpression: { changedAt: { $exists: true } } },
      serves: 'the sweep: what was edited or deleted lately',
    },
  ],
}
