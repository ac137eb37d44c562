/** What each server event changes in this tab. */

const TYPING_MS = 3_500
const RECEIPT_REFRESH_MS = 800

export function createEvents({ store, position, catchUp, people, openChat }) {
  const timers = new Map()

  // Several events in a row about one thing lead to one fetch.
  function soon(key, work, delayMs = 250) {
    clearTimeout(timers.get(key))
    timers.set(
      key,
      setTimeout(() => work(), delayMs),
    )
  }

  const refreshChat = ({ chatId }) => soon(`chat ${chatId}`, () => void catchUp.refreshChat(chatId))
  const refreshMessage = ({ chatId, messageId }) => {
    if (store.state.timelines[chatId] === undefined) return
    soon(`message ${messageId}`, () => void catchUp.refreshMessage(chatId, messageId))
  }

  function onMessage({ message }) {
    const { chatId, senderId, system } = message
    if (store.state.chats[chatId] === undefined) refreshChat({ chatId })
    store.dispatch({ type: 'message', message })
    void people.need([senderId, ...(system?.userIds ?? [])])
    if (store.state.timelines[chatId]?.loaded) void catchUp.fillGaps(chatId).catch(() => {})
    if (message.type === 'system') refreshChat({ chatId })
  }

  function onReceipt({ chatId, userId, upToSeq }, status) {
    const { me, chats } = store.state
    const chat = chats[chatId]
    if (chat === undefined) return
    if (userId === me?.id) {
      if (status !== 'read') return
      if (upToSeq >= chat.lastSeq)
        store.dispatch({ type: 'marked', chatId, readSeq: upToSeq, unreadCount: 0 })
      else refreshChat({ chatId })
    } else if (chat.type === 'direct') {
      store.dispatch({ type: 'receipt', chatId, senderId: me?.id, upToSeq, status })
    } else if (store.state.timelines[chatId]?.loaded) {
      // A tick in a group is the least of all members' marks, which only the server knows.
      soon(`ticks ${chatId}`, () => void catchUp.loadNewest(chatId).catch(() => {}), RECEIPT_REFRESH_MS)
    }
  }

  function onTyping({ chatId, userId }) {
    if (userId === store.state.me?.id) return
    void people.need([userId])
    store.dispatch({ type: 'typing', chatId, userId, until: Date.now() + TYPING_MS })
    soon(
      `typing ${chatId} ${userId}`,
      () => store.dispatch({ type: 'typingEnded', chatId, userId }),
      TYPING_MS,
    )
  }

  function onDeleted({ chatId, messageId }) {
    store.dispatch({ type: 'changed', chatId, messageId, change: tombstone })
    refreshChat({ chatId })
  }

  const pinned = (value) => (data) =>
    store.dispatch({
      type: 'changed',
      chatId: data.chatId,
      messageId: data.messageId,
      change: (message) => ({ ...message, pinned: value }),
    })

  const onChat = ({ chat }) => {
    store.dispatch({ type: 'chats', chats: [chat] })
    void people.nameChats()
    if (store.state.openChatId === chat.id && store.state.timelines[chat.id] === undefined) openChat(chat.id)
  }

  const sayNotice = (data) => {
    if (typeof data?.message === 'string') store.dispatch({ type: 'noticed', toast: data.message })
  }

  const handlers = {
    'message:received': onMessage,
    'message:edited': ({ message }) => {
      store.dispatch({ type: 'messages', chatId: message.chatId, messages: [message] })
      if (store.state.chats[message.chatId]?.lastMessage?.id === message.id) refreshChat(message)
    },
    'message:deleted': onDeleted,
    'message:delivered': (data) => onReceipt(data, 'delivered'),
    'message:read': (data) => onReceipt(data, 'read'),
    'message:reaction:added': refreshMessage,
    'message:reaction:removed': refreshMessage,
    'poll:updated': refreshMessage,
    'message:pinned': pinned(true),
    'message:unpinned': pinned(false),
    'message:typing': onTyping,
    'message:stop_typing': ({ chatId, userId }) => store.dispatch({ type: 'typingEnded', chatId, userId }),
    'chat:created': onChat,
    'chat:updated': onChat,
    'chat:deleted': ({ chatId }) => store.dispatch({ type: 'chatGone', chatId }),
    'chat:participant:joined': refreshChat,
    'chat:participant:left': refreshChat,
    'chat:participant:role_changed': refreshChat,
    'user:online': ({ userId }) => store.dispatch({ type: 'presence', userId, isOnline: true }),
    'user:offline': ({ userId, lastSeen }) =>
      store.dispatch({ type: 'presence', userId, isOnline: false, lastSeen }),
    'user:updated': ({ user }) => {
      if (user?.id === store.state.me?.id) store.dispatch({ type: 'signedIn', me: user })
      else if (user?.id) void people.fetchUser(user.id)
    },
    'system:notification': sayNotice,
    'system:maintenance': sayNotice,
  }

  /** Applies one frame; an event that this client has no view for only moves the position on. */
  return function onEvent({ event, data }) {
    handlers[event]?.(data)
    const chatId = data?.chatId ?? data?.message?.chatId
    const rev = data?.rev ?? data?.message?.rev
    if (chatId && rev && position.revisions[chatId] < rev) position.revisions[chatId] = rev
  }
}

function tombstone(message) {
  return { ...message, isDeleted: true, content: null, media: null, reactions: [] }
}
