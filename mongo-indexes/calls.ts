/** Calls. The first ten are those of the hybrid schema; the last two hold deadlines and one live call per pair. */
import type { CollectionIndexes } from './declaration.ts'

export const calls: CollectionIndexes = {
  collection: 'calls',
  indexes: [
    { name: 'idx_roomId', key: { roomId: 1 }, options: { unique: true }, serves: 'a call by its room' },
    { name: 'idx_participants_userId', key: { 'participants.userId': 1 }, serves: "a user's calls" },
    {
      name: 'idx_participants_updatedAt',
      key: { 'participants.userId': 1, updatedAt: -1 },
      serves: "a user's call history",
    },
    { name: 'idx_initiatorId', key: { initiatorId: 1 }, serves: 'calls someone started' },
    { name: 'idx_status', key: { status: 1 }, serves: 'calls by status' },
    {
      name: 'idx_participants_status_updatedAt',
      key: { 'participants.userId': 1, status: 1, updatedAt: -1 },
      serves: "a user's call history by status",
    },
    { name: 'idx_createdAt', key: { createdAt: -1 }, serves: 'newest calls' },
    { name: 'idx_updatedAt', key: { updatedAt: -1 }, serves: 'recently changed calls' },
    { name: 'idx_endedAt', key: { endedAt: -1 }, options: { sparse: true }, serves: 'finished calls' },
    { name: 'idx_mediaType', key: { mediaType: 1 }, serves: 'audio or video calls' },
    {
      name: 'idx_deadlineAt_open',
      key: { deadlineAt: 1 },
      options: { partialFilterExpression: { deadlineAt: { $exists: true } } },
      serves: 'live calls past their deadline',
    },
    {
      name: 'uniq_livePair',
      key: { livePair: 1 },
      options: { unique: true, partialFilterExpression: { livePair: { $exists: true } } },
      serves: 'one live call between two people',
    },
  ],
}
