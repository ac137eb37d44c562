/** How far each member stored and read each chat, and what is unread. Marks only move forward. */
export { forgetUnread, unreadCounts, type UnreadQuestion } from './unread.ts'
