/** The person, the connection, and the chats, newest activity first. */
import { html, useRef, useState } from '../vendor/htm-preact.js'
import { chatName, firstName, listTime, otherMember, previewWords } from '../words.js'
import { showChat } from './address.js'
import { Icon, Ticks } from './icons.js'
import { Avatar, StatusLine } from './pieces.js'

export function ChatList({ app, state, framesOpen, onFrames, onNewChat }) {
  const [filter, setFilter] = useState('')
  const list = useRef(null)
  const wanted = filter.trim().toLowerCase()
  const chats = sortChats(Object.values(state.chats)).filter((chat) =>
    chatName(state, chat).toLowerCase().includes(wanted),
  )

  // The arrow keys move along the list, as they would in a menu.
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step === undefined) return
    const rows = [...list.current.querySelectorAll('.chat-row')]
    const at = rows.indexOf(document.activeElement)
    event.preventDefault()
    rows[Math.min(rows.length - 1, Math.max(0, at + step))]?.focus()
  }

  return html`<aside class="sidebar" onKeyDown=${onKeyDown}>
    <header class="bar">
      <${Avatar} id=${state.me.id} name=${state.me.fullName} />
      <div class="bar-text">
        <strong>${state.me.fullName}</strong>
        <${StatusLine} state=${state} app=${app} />
      </div>
      <button
        type="button"
        class="icon-button"
        aria-label="Socket frames"
        title="Socket frames (Ctrl .)"
        aria-pressed=${framesOpen}
        onClick=${onFrames}
      >
        <${Icon} name="frames" />
      </button>
      <button type="button" class="icon-button" aria-label="New chat" title="New chat" onClick=${onNewChat}>
        <${Icon} name="plus" />
      </button>
      <button type="button" class="icon-button" aria-label="Sign out" title="Sign out" onClick=${app.signOut}>
        <${Icon} name="exit" />
      </button>
    </header>
    <${StatusLine} state=${state} app=${app} banner=${true} />
    <label class="search">
      <${Icon} name="search" />
      <input
        id="chat-search"
        type="search"
        placeholder="Search chats"
        aria-label="Search chats"
        value=${filter}
        onInput=${(event) => setFilter(event.target.value)}
      />
    </label>
    <nav class="chats" aria-label="Chats" ref=${list}>
      ${chats.map((chat) => html`<${ChatRow} key=${chat.id} state=${state} chat=${chat} />`)}
      ${!state.chatsLoaded && html`<div class="skeleton" aria-label="Loading chats"></div>`}
      ${
        state.chatsLoaded &&
        chats.length === 0 &&
        html`<div class="empty">
          <p>${wanted === '' ? 'No chats yet.' : 'No chat has that name.'}</p>
          ${wanted === '' && html`<button type="button" class="button" onClick=${onNewChat}>Start one</button>`}
        </div>`
      }
    </nav>
  </aside>`
}

function ChatRow({ state, chat }) {
  const name = chatName(state, chat)
  const other = otherMember(chat, state.me.id)
  const user = state.users[other]
  const unread = chat.unreadCount ?? 0
  const isOpen = state.openChatId === chat.id
  return html`<button
    type="button"
    class="chat-row ${unread > 0 ? 'unread' : ''}"
    aria-current=${isOpen ? 'true' : undefined}
    onClick=${() => showChat(chat.id)}
  >
    <${Avatar} id=${other ?? chat.id} name=${name} online=${user?.isOnline === true} kind=${chat.type} />
    <span class="chat-row-text">
      <span class="chat-row-top">
        <span class="chat-name">${name}</span>
        ${chat.lastMessageAt && html`<time datetime=${chat.lastMessageAt}>${listTime(chat.lastMessageAt)}</time>`}
      </span>
      <span class="chat-row-bottom">
        <${LastLine} state=${state} chat=${chat} />
        ${chat.settings?.pinned && html`<span class="pinned" title="Pinned"><${Icon} name="pin" /></span>`}
        ${unread > 0 && html`<span class="badge" aria-label="${unread} unread">${unread > 999 ? '999+' : unread}</span>`}
      </span>
    </span>
  </button>`
}

function LastLine({ state, chat }) {
  const typing = Object.keys(state.typing[chat.id] ?? {})
  if (typing.length > 0) {
    const who = chat.type === 'direct' ? '' : `${firstName(state, typing[0])} is `
    return html`<span class="chat-preview typing-words">${who}typing…</span>`
  }
  const waiting = state.pending.findLast((entry) => entry.chatId === chat.id)
  if (waiting !== undefined) {
    return html`<span class="chat-preview">
      <${Ticks} status=${waiting.state === 'failed' ? 'failed' : 'pending'} />${waiting.content}
    </span>`
  }
  const last = chat.lastMessage
  if (!last) return html`<span class="chat-preview">No messages yet</span>`
  const held = state.timelines[chat.id]?.bySeq[last.seq]
  const words = previewWords(state, { ...last, system: held?.system, isDeleted: held?.isDeleted })
  const mine = last.senderId === state.me.id && last.type !== 'system'
  const named = chat.type !== 'direct' && !mine && last.type !== 'system'
  return html`<span class="chat-preview">
    ${mine && held?.status && html`<${Ticks} status=${held.status} />`}
    ${named && html`<span>${firstName(state, last.senderId)}: </span>`}${words}
  </span>`
}

const lastActivity = (chat) => chat.lastMessageAt ?? chat.createdAt ?? ''

function sortChats(chats) {
  return chats.sort(
    (a, b) =>
      Number(b.settings?.pinned === true) - Number(a.settings?.pinned === true) ||
      lastActivity(b).localeCompare(lastActivity(a)),
  )
}
