/** Fetches what the socket does not bring: the list of chats, pages of history, gaps, and the state after a reset. */
import { firstGap, inOrder } from './timeline.js'

const PAGE = 50
const CHAT_PAGES_MAX = 20
const GAP_PAGES_MAX = 40
const FAR_BEHIND = 300

export function createCatchUp({ api, store, position, people }) {
  const loading = new Map()

  // One fetch of a kind for a chat at a time: a second caller waits for the first one's answer.
  function once(key, work) {
    if (!loading.has(key))
      loading.set(
        key,
        work().finally(() => loading.delete(key)),
      )
    return loading.get(key)
  }

  const timelineOf = (chatId) => store.state.timelines[chatId]

  /** The caller's chats; those that the server no longer lists are dropped. */
  const loadChats = () =>
    once('chats', async () => {
      const chats = []
      let cursor
      for (let page = 0; page < CHAT_PAGES_MAX; page += 1) {
        const { data, meta } = await api.get('/api/chats', { limit: 100, cursor })
        chats.push(...data)
        cursor = meta.pagination?.nextCursor ?? undefined
        if (cursor === undefined) break
      }
      if (cursor === undefined) {
        const listed = new Set(chats.map(({ id }) => id))
        for (const chatId of Object.keys(store.state.chats)) {
          if (!listed.has(chatId)) store.dispatch({ type: 'chatGone', chatId })
        }
      }
      store.dispatch({ type: 'chats', chats })
      void people.nameChats()
    })

  /** One chat with its members, as the server sees it now. */
  const refreshChat = (chatId) =>
    once(`chat ${chatId}`, async () => {
      try {
        const { data } = await api.get(`/api/chats/${chatId}`)
        store.dispatch({ type: 'chats', chats: [data] })
        await people.need((data.participants ?? []).map(({ userId }) => userId))
        await people.watch()
      } catch (error) {
        if (error.status === 404) store.dispatch({ type: 'chatGone', chatId })
      }
    })

  const loadNewest = (chatId) =>
    once(`newest ${chatId}`, async () => {
      // Noted before the page is read: what changes in between is seen twice rather than never.
      position.revisions[chatId] ??= store.state.chats[chatId]?.rev
      const { data, meta } = await api.get(`/api/chats/${chatId}/messages`, { limit: PAGE })
      const from = data[0]?.seq ?? 1
      const to = data.at(-1)?.seq ?? 0
      const page = { messages: data, from, to, reachedStart: meta.pagination?.hasMore !== true }
      store.dispatch({ type: 'page', chatId, page })
      await people.need(data.map(({ senderId }) => senderId))
      await fillGaps(chatId)
    })

  const loadOlder = (chatId) =>
    once(`older ${chatId}`, async () => {
      const timeline = timelineOf(chatId)
      const oldest = timeline === undefined ? undefined : inOrder(timeline)[0]?.seq
      if (oldest === undefined || timeline.reachedStart) return
      const { data, meta } = await api.get(`/api/chats/${chatId}/messages`, { limit: PAGE, before: oldest })
      const page = {
        messages: data,
        from: data[0]?.seq ?? 1,
        to: oldest - 1,
        reachedStart: meta.pagination?.hasMore !== true,
      }
      store.dispatch({ type: 'page', chatId, page })
      await people.need(data.map(({ senderId }) => senderId))
    })

  /** Fetches every place between held messages that is neither held nor known to be empty for this viewer. */
  const fillGaps = (chatId) =>
    once(`gaps ${chatId}`, async () => {
      for (let page = 0; page < GAP_PAGES_MAX; page += 1) {
        const timeline = timelineOf(chatId)
        const chat = store.state.chats[chatId]
        const gap = timeline === undefined || chat === undefined ? null : firstGap(timeline, chat.lastSeq)
        if (gap === null) return
        const { data, meta } = await api.get(`/api/chats/${chatId}/messages`, {
          limit: PAGE,
          after: gap.after,
        })
        const last = data.at(-1)?.seq ?? gap.after
        const to = meta.pagination?.hasMore === true ? last : Math.max(last, gap.before - 1)
        const messages = { messages: data, from: gap.after + 1, to, reachedStart: false }
        store.dispatch({ type: 'page', chatId, page: messages })
      }
    })

  const refreshMessage = async (chatId, messageId) => {
    const answer = await api.get(`/api/chats/${chatId}/messages/${messageId}`).catch(() => null)
    if (answer !== null) store.dispatch({ type: 'messages', chatId, messages: [answer.data] })
  }

  // The event stream no longer reaches back to the cursor: the list of chats and what changed in each take its place.
  async function afterReset() {
    await loadChats()
    for (const [chatId, timeline] of Object.entries(store.state.timelines)) {
      const chat = store.state.chats[chatId]
      const newest = inOrder(timeline).at(-1)?.seq ?? 0
      const since = position.revisions[chatId]
      if (chat === undefined || since === undefined || chat.lastSeq - newest > FAR_BEHIND) {
        delete position.revisions[chatId]
        store.dispatch({ type: 'forgotten', chatId })
      } else {
        await followChanges(chatId, since)
      }
    }
    const open = store.state.openChatId
    if (open !== null) await loadNewest(open)
    await people.refresh()
  }

  async function followChanges(chatId, since) {
    for (let rev = since, more = true; more;) {
      const { data } = await api.get(`/api/chats/${chatId}/changes`, { since: rev })
      store.dispatch({ type: 'messages', chatId, messages: data.messages })
      more = data.hasMore && data.rev > rev
      rev = data.rev
      position.revisions[chatId] = rev
    }
    await fillGaps(chatId)
  }

  return { loadChats, refreshChat, loadNewest, loadOlder, fillGaps, refreshMessage, afterReset }
}
