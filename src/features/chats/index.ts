/**
 * Chats own who talks with whom: direct chats, groups and channels, their members, roles and settings. Promises: two
 * people have one direct chat; every change of membership has a place in the chat's log and binds what anyone sees;
 * a group keeps an owner; what the caller may not see answers like what does not exist.
 */
export { lastVisible, requireAccess, requireChatHex, requireMember, type Access } from './access.ts'
export { findOrMakeDirect } from './create.ts'
export { mayModerate, maySend } from './roles.ts'
export { chatTellings, memberTellings } from './tellings.ts'
export { activeMembers } from './view.ts'
