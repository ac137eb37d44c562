/**
 * Presence owns who is online, when someone was last seen, and who is typing. Promises: nothing is shown to whom the
 * user hides it from; a dead node's users go offline by themselves; nothing here outlives its minutes but last seen.
 */
export { Presence } from './presence.ts'
