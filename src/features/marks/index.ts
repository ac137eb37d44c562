/**
 * Marks own how far each member stored and read each chat, and what is unread. Promises: marks only move forward;
 * read implies delivered; the unread count is that of the log, with or without Redis.
 */
export { chatEnds, markDelivered } from './delivered.ts'
export { receiptTellings } from './receipt-tellings.ts'
export { shareReceipts } from './share-receipts.ts'
export { unreadCounts, type UnreadQuestion } from './unread.ts'
export { MarkWriter, type MarkKind } from './mark-writer.ts'
export { moveMark } from './watermarks.ts'
