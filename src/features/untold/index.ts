/**
 * Untold owns the way of what is stored outside of the chats' log and has to be told: receipts, a member's own
 * settings, chats that are new or changed. Promises: whatever such a write was to tell gets into the event streams,
 * also where its node died between the two or had no Redis; while Redis is away each node's sockets hear it.
 */
export { noteUntold, Untold, type Telling } from './untold.ts'
