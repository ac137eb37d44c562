/** One chat: who it is with, what was said, and a place to write. */
import { html, useEffect, useState } from '../vendor/htm-preact.js'
import { chatName, firstName, listWords, otherMember, personName, plural, presenceWords } from '../words.js'
import { showChat } from './address.js'
import { Composer } from './composer.js'
import { Icon } from './icons.js'
import { MessageList } from './message-list.js'
import { Avatar, StatusLine } from './pieces.js'

const NAMES_IN_HEAD = 6

export function Conversation({ app, state, chat }) {
  const [subject, setSubject] = useState(null)
  const name = chatName(state, chat)
  const other = otherMember(chat, state.me.id)
  useRedrawEachMinute()
  return html`<main class="conversation" aria-label="Chat with ${name}">
    <header class="bar">
      <button
        type="button"
        class="icon-button back"
        aria-label="Back to the chats"
        onClick=${() => showChat(null)}
      >
        <${Icon} name="back" />
      </button>
      <${Avatar}
        id=${other ?? chat.id}
        name=${name}
        online=${state.users[other]?.isOnline === true}
        kind=${chat.type}
      />
      <div class="bar-text">
        <strong>${name}</strong>
        <${Subtitle} state=${state} chat=${chat} other=${other} />
      </div>
    </header>
    <${StatusLine} state=${state} app=${app} banner=${true} />
    <${MessageList} app=${app} state=${state} chat=${chat} onSubject=${setSubject} />
    <${Composer} app=${app} state=${state} chat=${chat} subject=${subject} onSubject=${setSubject} />
  </main>`
}

function Subtitle({ state, chat, other }) {
  const typing = Object.keys(state.typing[chat.id] ?? {})
  if (typing.length > 0) {
    const who = listWords(typing.slice(0, 3).map((userId) => firstName(state, userId)))
    const words = chat.type === 'direct' ? 'typing…' : `${who} ${typing.length === 1 ? 'is' : 'are'} typing…`
    return html`<span class="subtitle typing-words" aria-live="polite">${words}</span>`
  }
  if (chat.type === 'direct') {
    const words = other === state.me.id ? 'Only you can see these' : presenceWords(state.users[other])
    return html`<span class="subtitle ${words === 'online' ? 'is-online' : ''}">${words}</span>`
  }
  const members = chat.participants ?? []
  const names = members.slice(0, NAMES_IN_HEAD).map(({ userId }) => personName(state, userId).split(' ')[0])
  const count = plural(chat.participantCount ?? members.length, 'member')
  return html`<span class="subtitle" title=${names.join(', ')}>
    ${names.length === 0 ? count : `${count}: ${names.join(', ')}`}
  </span>`
}

// "last seen just now" and "Today" grow old while the page is only looked at.
function useRedrawEachMinute() {
  const [, redraw] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 60_000)
    return () => clearInterval(timer)
  }, [])
}
