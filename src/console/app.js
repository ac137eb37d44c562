/** Puts the parts together and offers the views what a person can do. */
import { createApi } from './api.js'
import { createCatchUp } from './catch-up.js'
import { createEvents } from './events.js'
import { createFrameLog } from './frame-log.js'
import { createOutbox } from './outbox.js'
import { createPeople } from './people.js'
import { INITIAL_STATE, reduce } from './reduce.js'
import { createSignIn } from './sign-in.js'
import { createSocket } from './socket.js'
import { createStore } from './store.js'
import { forgetTab, readKept, readOutbox, readTokens, writeKept } from './tab.js'
import { inOrder } from './timeline.js'
import { plural } from './words.js'

const KEEP_AFTER_MS = 120
const CATCH_UP_RETRY_MS = 3_000
const TYPING_REPEAT_MS = 2_000
const TOAST_MS = 6_000

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export function createApp() {
  const store = createStore(reduce, INITIAL_STATE)
  const frames = createFrameLog()
  // What follows changes with nearly every frame and is not shown, so it is kept beside the state of the views.
  const position = { cursor: null, acked: null, next: null, revisions: {}, held: false, logins: 0, missed: 0 }
  const reading = new Set()
  const drafts = new Map()
  let typingSentAt = 0
  let keepTimer = 0
  let toastTimer = 0
  let caughtUpTimer = 0

  const api = createApi({ onSessionEnd: leave })
  const lateSocket = () => socket
  const people = createPeople({ api, store, socket: lateSocket })
  const catchUp = createCatchUp({ api, store, position, people })
  const outbox = createOutbox({ store, socket: lateSocket, wait })
  const onEvent = createEvents({ store, position, catchUp, people, openChat })
  const signIn = createSignIn({ api, wait, onSignedIn: begin })

  const socket = createSocket({
    accessToken: api.accessToken,
    cursor: () => position.cursor,
    onReady,
    onBadCursor: () => (position.cursor = null),
    onPhase,
    onSessionEnd: leave,
    onFrame: (direction, frame) => frames.add(direction, frame),
    onEvent(frame) {
      onEvent(frame)
      if (frame.cursor !== undefined && store.state.phase.name === 'catching-up') position.missed += 1
      const cursor = frame.cursor ?? (frame.event === 'sync:done' ? frame.data.cursor : undefined)
      if (cursor !== undefined) {
        if (position.held) position.next = cursor
        else position.cursor = cursor
      }
      keepSoon()
    },
  })

  function onPhase(phase) {
    const back = phase.name === 'online' && store.state.phase.name === 'catching-up'
    store.dispatch({ type: 'phase', phase })
    if (phase.name === 'catching-up') position.missed = 0
    if (back && position.missed > 0) sayCaughtUp(`Caught up on ${plural(position.missed, 'update')}`)
    if (phase.name === 'online') outbox.pumpAll()
  }

  function sayCaughtUp(sentence) {
    clearTimeout(caughtUpTimer)
    store.dispatch({ type: 'caughtUp', sentence })
    caughtUpTimer = setTimeout(() => store.dispatch({ type: 'caughtUp', sentence: null }), 4_000)
  }

  function onReady({ cursor, reset, resumed }) {
    position.logins += 1
    position.held = false
    if (document.visibilityState === 'visible') socket.notify('user:online')
    void people.watchAgain()
    if (reset) void recover(cursor)
    else {
      if (!resumed) position.cursor = cursor
      void catchUp.loadChats().then(keepSoon, () => {})
    }
  }

  // Until the catch-up is done the old cursor is the honest one: a reload in the middle gets another reset, not a gap.
  // A later login begins its own and ends this one.
  async function recover(cursor) {
    const { logins } = position
    Object.assign(position, { held: true, next: cursor })
    for (let done = false; !done && logins === position.logins;) {
      done = await catchUp.afterReset().then(
        () => true,
        () => false,
      )
      if (!done) await wait(CATCH_UP_RETRY_MS)
    }
    if (logins !== position.logins) return
    Object.assign(position, { held: false, cursor: position.next })
    sayCaughtUp('Caught up')
    keepSoon()
  }

  function keepSoon() {
    clearTimeout(keepTimer)
    keepTimer = setTimeout(keep, KEEP_AFTER_MS)
  }

  // The acknowledgement says "stored", so it follows the writing: this is what turns a sender's tick into two.
  function keep() {
    const { me, chats, users, timelines } = store.state
    const { cursor, revisions, acked } = position
    if (me === null || position.held) return
    const kept = writeKept({ me, cursor, revisions, chats, users, timelines })
    if (kept && cursor !== null && cursor !== acked && socket.notify('sync:ack', { cursor }))
      position.acked = cursor
  }

  /** Starts as the person of this tab, if there is one. */
  function resume() {
    if (readTokens() === null) return
    const { cursor = null, revisions = {}, ...kept } = readKept() ?? {}
    if (kept.me === undefined || kept.me === null) return
    Object.assign(position, { cursor, revisions })
    store.dispatch({ type: 'restored', kept, pending: readOutbox() })
    socket.start()
  }

  function begin(me) {
    store.dispatch({ type: 'signedIn', me })
    keep()
    socket.start()
  }

  /** Ends the tab's person; `notice` says why where it was not asked for. */
  function leave(notice = null) {
    socket.stop()
    forgetTab()
    frames.clear()
    drafts.clear()
    clearTimeout(keepTimer)
    Object.assign(position, {
      cursor: null,
      acked: null,
      revisions: {},
      held: false,
      logins: position.logins + 1,
    })
    store.dispatch({ type: 'signedOut', notice })
  }

  async function signOut() {
    // Before the log-out, so that the server's closing of this socket is not taken for news.
    socket.stop()
    await api.post('/api/auth/logout').catch(() => {})
    leave()
  }

  function openChat(chatId) {
    if (store.state.openChatId !== chatId) store.dispatch({ type: 'opened', chatId })
    if (chatId === null) return
    void catchUp.refreshChat(chatId)
    catchUp.loadNewest(chatId).then(keepSoon, (error) => say(error.message))
  }

  function say(toast) {
    clearTimeout(toastTimer)
    store.dispatch({ type: 'noticed', toast })
    if (toast !== null) toastTimer = setTimeout(() => say(null), TOAST_MS)
  }

  /** Starts a chat, or finds the direct one that there is, and returns its id. */
  async function startChat(body) {
    const { data } = await api.post('/api/chats', body)
    store.dispatch({ type: 'chats', chats: [data] })
    void people.nameChats()
    return data.id
  }

  async function findPeople(query) {
    const { data } = await api.get('/api/users/search', { query })
    return data.filter((user) => user.id !== store.state.me?.id)
  }

  /** Tells the others how far this person has read; false when there is nothing to tell or it could not be told. */
  async function markRead(chatId) {
    const chat = store.state.chats[chatId]
    const timeline = store.state.timelines[chatId]
    const upTo = timeline === undefined ? 0 : (inOrder(timeline).at(-1)?.seq ?? 0)
    if (chat === undefined || upTo <= (chat.readSeq ?? 0) || reading.has(chatId)) return false
    reading.add(chatId)
    try {
      const { readSeq, unreadCount } = await socket.request('message:read', { chatId, upTo })
      store.dispatch({ type: 'marked', chatId, readSeq, unreadCount })
      keepSoon()
      return readSeq >= upTo
    } catch {
      return false
    } finally {
      reading.delete(chatId)
    }
  }

  function typing(chatId) {
    if (Date.now() - typingSentAt < TYPING_REPEAT_MS) return
    if (socket.notify('message:typing', { chatId })) typingSentAt = Date.now()
  }

  function stopTyping(chatId) {
    if (typingSentAt === 0) return
    typingSentAt = 0
    socket.notify('message:stop_typing', { chatId })
  }

  /** Runs a message action over the socket and says a refusal as a sentence. */
  async function act(event, data) {
    try {
      return await socket.request(event, data)
    } catch (error) {
      say(error.message)
      return null
    }
  }

  const react = (message, emoji) =>
    act('message:reaction', { chatId: message.chatId, messageId: message.id, emoji }).then(() =>
      catchUp.refreshMessage(message.chatId, message.id),
    )
  const edit = (message, content) =>
    act('message:edit', { chatId: message.chatId, messageId: message.id, content }).then(() =>
      catchUp.refreshMessage(message.chatId, message.id),
    )
  const remove = (message) =>
    act('message:delete', { chatId: message.chatId, messageId: message.id, forEveryone: true }).then(() =>
      catchUp.refreshMessage(message.chatId, message.id),
    )

  document.addEventListener('visibilitychange', () => {
    socket.notify(document.visibilityState === 'visible' ? 'user:online' : 'user:offline')
  })
  addEventListener('pagehide', keep)

  return {
    store,
    frames,
    drafts,
    signIn,
    resume,
    signOut,
    openChat,
    say,
    startChat,
    findPeople,
    markRead,
    typing,
    stopTyping,
    react,
    edit,
    remove,
    send: outbox.send,
    retry: outbox.retry,
    discard: outbox.discard,
    loadOlder: catchUp.loadOlder,
    reconnectNow: socket.reconnectNow,
  }
}
