/** All of the tab's state and every way in which it changes; no clock, no network. */
import { EMPTY_TIMELINE, changeMessage, mergeMessages, mergePage, raiseStatus } from './timeline.js'

export const INITIAL_STATE = {
  me: null,
  notice: null,
  phase: { name: 'stopped' },
  caughtUp: null,
  chatsLoaded: false,
  chats: {},
  users: {},
  timelines: {},
  typing: {},
  pending: [],
  openChatId: null,
  unreadAtOpening: null,
  toast: null,
}

const CHANGES = {
  restored: (state, { kept, pending }) => ({
    ...state,
    ...kept,
    pending,
    chatsLoaded: kept?.chats !== undefined,
  }),
  signedIn: (state, { me }) => ({ ...state, me, notice: null }),
  signedOut: (_state, { notice }) => ({ ...INITIAL_STATE, notice }),
  noticed: (state, { toast }) => ({ ...state, toast }),
  phase: (state, { phase }) => ({ ...state, phase }),
  caughtUp: (state, { sentence }) => ({ ...state, caughtUp: sentence }),

  chats: (state, { chats }) => ({ ...chats.reduce(withChat, state), chatsLoaded: true }),
  chatGone: (state, { chatId }) => ({
    ...state,
    chats: without(state.chats, chatId),
    timelines: without(state.timelines, chatId),
    openChatId: state.openChatId === chatId ? null : state.openChatId,
  }),
  opened: (state, { chatId }) => {
    const chat = state.chats[chatId]
    const unreadAtOpening = chat?.unreadCount > 0 ? { readSeq: chat.readSeq, count: chat.unreadCount } : null
    return { ...state, openChatId: chatId, unreadAtOpening }
  },
  marked: (state, { chatId, readSeq, unreadCount }) =>
    withChatChange(state, chatId, (chat) =>
      readSeq < chat.readSeq ? chat : { ...chat, readSeq, unreadCount: unreadCount ?? chat.unreadCount },
    ),

  message: (state, { message }) => withMessage(state, message),
  page: (state, { chatId, page }) => withTimeline(state, chatId, (timeline) => mergePage(timeline, page)),
  messages: (state, { chatId, messages }) =>
    withTimeline(state, chatId, (timeline) => mergeMessages(timeline, messages)),
  forgotten: (state, { chatId }) => ({ ...state, timelines: without(state.timelines, chatId) }),
  changed: (state, { chatId, messageId, change }) =>
    withTimeline(state, chatId, (timeline) => changeMessage(timeline, messageId, change)),
  receipt: (state, { chatId, senderId, upToSeq, status }) =>
    withTimeline(state, chatId, (timeline) => raiseStatus(timeline, { senderId, upToSeq, status })),

  users: (state, { users }) => ({
    ...state,
    users: { ...state.users, ...Object.fromEntries(users.map((user) => [user.id, user])) },
  }),
  presence: (state, { userId, isOnline, lastSeen }) => {
    const user = state.users[userId]
    if (user === undefined) return state
    return {
      ...state,
      users: { ...state.users, [userId]: { ...user, isOnline, lastSeen: lastSeen ?? user.lastSeen } },
    }
  },
  typing: (state, { chatId, userId, until }) => ({
    ...state,
    typing: { ...state.typing, [chatId]: { ...state.typing[chatId], [userId]: until } },
  }),
  typingEnded: (state, { chatId, userId }) => withoutTyping(state, chatId, userId),

  queued: (state, { entry }) => ({ ...state, pending: [...state.pending, entry], unreadAtOpening: null }),
  pendingChanged: (state, { clientMessageId, change }) => ({
    ...state,
    pending: state.pending.map((entry) =>
      entry.clientMessageId === clientMessageId ? { ...entry, ...change } : entry,
    ),
  }),
  dropped: (state, { clientMessageId }) => withoutPending(state, clientMessageId),
}

/** The next state; an unknown action is a mistake in this program. */
export function reduce(state, action) {
  const change = CHANGES[action.type]
  if (change === undefined) throw new Error(`Unknown action ${action.type}`)
  return change(state, action)
}

/** Whether a message raises the unread count of this person (API.md §11, "System messages" and "Void"). */
export function countsAsUnread(message, userId) {
  if (message.senderId === userId || message.isDeleted) return false
  if (message.type === 'void' || message.type === 'system') return false
  return message.type !== 'call' || message.callData?.status === 'missed'
}

function withMessage(state, message) {
  const { chatId, seq } = message
  let next = withTimeline(state, chatId, (timeline) => mergeMessages(timeline, [message]))
  if (message.senderId === state.me?.id) next = withoutPending(next, message.clientMessageId)
  else next = withoutTyping(next, chatId, message.senderId)
  return withChatChange(next, chatId, (chat) => {
    if (seq <= chat.lastSeq) return chat
    const unread = seq > chat.readSeq && countsAsUnread(message, state.me?.id) ? 1 : 0
    const moved = { ...chat, lastSeq: seq, unreadCount: chat.unreadCount + unread }
    if (message.type === 'void') return moved
    const { id, senderId, type, content, createdAt } = message
    return {
      ...moved,
      lastMessage: { id, seq, senderId, type, preview: content, createdAt },
      lastMessageAt: createdAt,
    }
  })
}

// An answer may be older than the events that overtook it: what only moves forward keeps the larger value.
function withChat(state, incoming) {
  const known = state.chats[incoming.id]
  if (known === undefined) return { ...state, chats: { ...state.chats, [incoming.id]: incoming } }
  const chat = { ...known, ...incoming }
  if (known.lastSeq > incoming.lastSeq) {
    const { lastSeq, lastMessage, lastMessageAt, unreadCount } = known
    Object.assign(chat, { lastSeq, lastMessage, lastMessageAt, unreadCount })
  }
  if (known.readSeq > incoming.readSeq) {
    Object.assign(chat, { readSeq: known.readSeq, unreadCount: known.unreadCount })
  }
  return { ...state, chats: { ...state.chats, [incoming.id]: chat } }
}

function withChatChange(state, chatId, change) {
  const chat = state.chats[chatId]
  return chat === undefined ? state : { ...state, chats: { ...state.chats, [chatId]: change(chat) } }
}

function withTimeline(state, chatId, change) {
  const timeline = state.timelines[chatId] ?? EMPTY_TIMELINE
  const next = change(timeline)
  return next === timeline ? state : { ...state, timelines: { ...state.timelines, [chatId]: next } }
}

function withoutTyping(state, chatId, userId) {
  if (state.typing[chatId]?.[userId] === undefined) return state
  return { ...state, typing: { ...state.typing, [chatId]: without(state.typing[chatId], userId) } }
}

function withoutPending(state, clientMessageId) {
  const pending = state.pending.filter((entry) => entry.clientMessageId !== clientMessageId)
  return pending.length === state.pending.length ? state : { ...state, pending }
}

function without(record, key) {
  const { [key]: _gone, ...rest } = record
  return rest
}
