/** Who the people in the chats are: fetched once, a few at a time, and watched for presence. */
import { otherMember } from './words.js'

const FETCHES_AT_ONCE = 6
const WATCHED_MAX = 500

export function createPeople({ api, store, socket }) {
  const asked = new Set()
  const watched = new Set()

  async function fetchUser(userId) {
    try {
      const { data } = await api.get(`/api/users/${encodeURIComponent(userId)}`)
      store.dispatch({ type: 'users', users: [data] })
    } catch (error) {
      if (error.retryable) asked.delete(userId)
    }
  }

  /** Fetches those that are not known yet. */
  async function need(userIds) {
    const meId = store.state.me?.id
    const missing = [...new Set(userIds)].filter((id) => id && id !== meId && !asked.has(id))
    for (const id of missing) asked.add(id)
    await inTurns(missing, fetchUser)
  }

  /** The list of chats does not name the members; a direct chat needs them for its title. */
  async function nameChats() {
    const chats = Object.values(store.state.chats)
    const nameless = chats.filter((chat) => chat.type === 'direct' && chat.participants === undefined)
    await inTurns(nameless, async ({ id }) => {
      const answer = await api.get(`/api/chats/${id}`).catch(() => null)
      if (answer !== null) store.dispatch({ type: 'chats', chats: [answer.data] })
    })
    const current = Object.values(store.state.chats)
    await need([
      ...current.map((chat) => otherMember(chat, store.state.me?.id)),
      ...current.map((chat) => chat.lastMessage?.senderId),
    ])
    await watch()
  }

  /** Follows the presence of the people one talks with, those of the open chat first. */
  async function watch() {
    const { chats, openChatId, me } = store.state
    const open = chats[openChatId]?.participants ?? []
    const others = Object.values(chats).map((chat) => otherMember(chat, me?.id))
    const userIds = [...new Set([...open.map(({ userId }) => userId), ...others])]
      .filter((id) => id && id !== me?.id && !watched.has(id))
      .slice(0, WATCHED_MAX - watched.size)
    if (userIds.length === 0) return
    for (const id of userIds) watched.add(id)
    try {
      const { users } = await socket().request('presence:subscribe', { userIds })
      for (const { userId, isOnline, lastSeen } of users) {
        store.dispatch({ type: 'presence', userId, isOnline, lastSeen })
      }
    } catch {
      for (const id of userIds) watched.delete(id)
    }
  }

  /** A new socket follows nobody yet. */
  function watchAgain() {
    watched.clear()
    return watch()
  }

  /** Asks again for people whose details may have changed while this tab was away. */
  async function refresh() {
    asked.clear()
    const { users, me } = store.state
    await inTurns(
      Object.keys(users).filter((id) => id !== me?.id),
      fetchUser,
    )
  }

  return { need, nameChats, watch, watchAgain, refresh, fetchUser }
}

async function inTurns(items, work) {
  const rest = [...items]
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: FETCHES_AT_ONCE }, worker))
}
