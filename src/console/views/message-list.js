/** The messages of a chat: grouped by sender and day, kept at the bottom, with older ones loaded on the way up. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../vendor/htm-preact.js'
import { countsAsUnread } from '../reduce.js'
import { inOrder } from '../timeline.js'
import { dayName, plural, systemWords } from '../words.js'
import { Bubble, PendingBubble } from './bubble.js'
import { Icon } from './icons.js'

const NEAR_PX = 80
const LOAD_ABOVE_PX = 300
const GROUP_WITHIN_MS = 5 * 60_000

export function MessageList({ app, state, chat, onSubject }) {
  const box = useRef(null)
  const scroll = useRef({ atBottom: true, height: 0, oldest: 0 })
  const [below, setBelow] = useState(0)
  const [loadingOlder, setLoadingOlder] = useState(false)
  const timeline = state.timelines[chat.id]
  const messages = timeline === undefined ? [] : inOrder(timeline).filter(({ type }) => type !== 'void')
  const pending = state.pending.filter((entry) => entry.chatId === chat.id)
  const newest = messages.at(-1)
  const oldest = messages[0]?.seq ?? 0

  // One mark is in flight at a time; what arrived meanwhile is marked by the next one, if it is still looked at.
  const readIfVisible = async () => {
    for (let marked = true; marked && isLookedAt(box, scroll);) marked = await app.markRead(chat.id)
  }

  const toBottom = () => {
    box.current.scrollTop = box.current.scrollHeight
  }

  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current
    scroll.current.atBottom = scrollHeight - scrollTop - clientHeight < NEAR_PX
    scroll.current.height = scrollHeight
    if (scroll.current.atBottom) {
      setBelow(0)
      void readIfVisible()
    }
    if (scrollTop < LOAD_ABOVE_PX && timeline?.loaded && !timeline.reachedStart && !loadingOlder) {
      setLoadingOlder(true)
      void app
        .loadOlder(chat.id)
        .catch((error) => app.say(error.message))
        .finally(() => setLoadingOlder(false))
    }
  }

  // Older messages grow the box upwards: what the eye rests on must stay where it is.
  useLayoutEffect(() => {
    const grown = box.current.scrollHeight - scroll.current.height
    const grewAbove = scroll.current.oldest > 0 && oldest < scroll.current.oldest
    if (scroll.current.atBottom) toBottom()
    else if (grewAbove && grown > 0) box.current.scrollTop += grown
    scroll.current.height = box.current.scrollHeight
    scroll.current.oldest = oldest
  }, [oldest, newest?.seq, pending.length, timeline?.loaded, state.phase.name])

  useEffect(() => {
    if (scroll.current.atBottom) void readIfVisible()
    else if (newest !== undefined && newest.senderId !== state.me.id) setBelow((count) => count + 1)
  }, [newest?.seq, timeline?.loaded, state.phase.name])

  // A message that this person has just written is always shown.
  useLayoutEffect(() => {
    if (pending.length === 0) return
    scroll.current.atBottom = true
    toBottom()
  }, [pending.at(-1)?.clientMessageId])

  useEffect(() => {
    const resized = new ResizeObserver(() => scroll.current.atBottom && toBottom())
    resized.observe(box.current)
    const onVisible = () => void readIfVisible()
    document.addEventListener('visibilitychange', onVisible)
    return () => {
      resized.disconnect()
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [])

  return html`<div class="message-area">
    ${loadingOlder && html`<div class="loading older" aria-label="Loading older messages"></div>`}
    <div class="messages" ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-label="Messages">
      <div class="messages-inner">
        ${timeline === undefined && html`<div class="loading" aria-label="Loading messages"></div>`}
        ${
          timeline?.loaded &&
          messages.length + pending.length === 0 &&
          html`<p class="say-hello">Nothing here yet. Say hello.</p>`
        }
        ${rowsOf(messages, state.unreadAtOpening, state.me.id).map((row) => drawRow({ row, app, state, chat, onSubject }))}
        ${pending.map(
          (entry, index) =>
            html`<${PendingBubble}
              key=${entry.clientMessageId}
              app=${app}
              entry=${entry}
              first=${index === 0 && newest?.senderId !== state.me.id}
            />`,
        )}
      </div>
    </div>
    ${
      (below > 0 || !scroll.current.atBottom) &&
      html`<button type="button" class="to-bottom" aria-label="To the newest message" onClick=${toBottom}>
        <${Icon} name="down" />${below > 0 && html`<span class="badge">${below}</span>`}
      </button>`
    }
  </div>`
}

function isLookedAt(box, scroll) {
  return box.current !== null && scroll.current.atBottom && document.visibilityState === 'visible'
}

function drawRow({ row, app, state, chat, onSubject }) {
  if (row.kind === 'day') return html`<div class="day" key=${row.key}><span>${row.words}</span></div>`
  if (row.kind === 'unread')
    return html`<div class="unread-line" key="unread"><span>${row.words}</span></div>`
  if (row.message.type === 'system') {
    return html`<div class="system" key=${row.message.seq}>
      <span>${systemWords(state, row.message)}</span>
    </div>`
  }
  const { message, first, last } = row
  return html`<${Bubble}
    key=${message.seq}
    app=${app}
    state=${state}
    chat=${chat}
    message=${message}
    first=${first}
    last=${last}
    onSubject=${onSubject}
  />`
}

function rowsOf(messages, unreadAtOpening, meId) {
  const rows = []
  let day = ''
  let saidUnread = unreadAtOpening === null
  for (const [index, message] of messages.entries()) {
    const name = dayName(message.createdAt)
    if (name !== day) rows.push({ kind: 'day', key: `day ${message.seq}`, words: name })
    if (!saidUnread && message.seq > unreadAtOpening.readSeq && countsAsUnread(message, meId)) {
      rows.push({ kind: 'unread', words: plural(unreadAtOpening.count, 'new message') })
      saidUnread = true
    }
    const first = day !== name || !sameGroup(messages[index - 1], message)
    const last = !sameGroup(message, messages[index + 1])
    rows.push({ kind: 'message', message, first, last })
    day = name
  }
  return rows
}

function sameGroup(a, b) {
  if (a === undefined || b === undefined) return false
  const close = new Date(b.createdAt) - new Date(a.createdAt) < GROUP_WITHIN_MS
  return close && a.senderId === b.senderId && a.type !== 'system' && b.type !== 'system'
}
