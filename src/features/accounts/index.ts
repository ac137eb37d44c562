/**
 * Accounts own who is who: users, their settings, devices, sessions, codes and passwords, all in PostgreSQL.
 *
 * Promised: a phone is proven by a code that holds five tries and works once; every refresh token works once and its
 * second use ends the session; an ended session acts on no node after 5 s, with or without Redis; a request whose session
 * this process knows costs no round trip; what a user hides is null for everyone else.
 */
export { openAccounts, type Accounts } from './accounts.ts'
export { parsePhone, phoneNumber, type Phone } from './phone.ts'
export {
  findPublicUsers,
  findUsers,
  privacyOf,
  requireUsers,
  touchLastSeen,
  type KnownUser,
} from './find-users.ts'
export { publicUser, type PublicUser, type User } from './schema.ts'
export type { Audience, NotificationSettings, PrivacySettings } from './settings.ts'
export { UntoldAccounts } from './untold.ts'
export { isOpen } from './view.ts'
