/** Every collection's declared indexes. */
import { calls } from './calls.ts'
import { chats } from './chats.ts'
import { members } from './members.ts'
import { messages } from './messages.ts'

export const DECLARED_INDEXES = [chats, members, messages, calls]
