/** The place to write: Enter sends, Shift+Enter makes a new line. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../vendor/htm-preact.js'
import { personName, previewWords } from '../words.js'
import { Icon } from './icons.js'

const IDLE_MS = 3_000
const drafts = new Map()

export function Composer({ app, state, chat, replyTo, onReplyTo }) {
  const [text, setText] = useState(drafts.get(chat.id) ?? '')
  const area = useRef(null)
  const idle = useRef(0)

  useEffect(() => {
    // On a phone the keyboard would cover the chat that was only to be read.
    if (matchMedia('(pointer: fine)').matches) area.current?.focus()
    return () => {
      clearTimeout(idle.current)
      app.stopTyping(chat.id)
    }
  }, [])
  useEffect(() => {
    if (replyTo !== null) area.current?.focus()
  }, [replyTo])
  useLayoutEffect(() => {
    if (area.current === null) return
    area.current.style.height = 'auto'
    area.current.style.height = `${Math.min(160, area.current.scrollHeight)}px`
  }, [text])

  const reason = whyReadOnly(chat)
  if (reason !== null) return html`<footer class="composer read-only">${reason}</footer>`

  const onInput = (event) => {
    setText(event.target.value)
    drafts.set(chat.id, event.target.value)
    clearTimeout(idle.current)
    if (event.target.value.trim() === '') {
      app.stopTyping(chat.id)
      return
    }
    app.typing(chat.id)
    idle.current = setTimeout(() => app.stopTyping(chat.id), IDLE_MS)
  }
  const submit = (event) => {
    event?.preventDefault()
    const content = text.trim()
    if (content === '') return
    clearTimeout(idle.current)
    app.stopTyping(chat.id)
    app.send(chat.id, content, replyTo && { id: replyTo.id, preview: previewWords(state, replyTo) })
    drafts.delete(chat.id)
    setText('')
    onReplyTo(null)
    area.current.focus()
  }
  const onKeyDown = (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event)
    if (event.key === 'Escape' && replyTo !== null) {
      event.stopPropagation()
      onReplyTo(null)
    }
  }

  return html`<footer class="composer">
    ${
      replyTo !== null &&
      html`<div class="replying">
        <div class="quote">
          <strong>${personName(state, replyTo.senderId)}</strong>
          <span>${previewWords(state, replyTo)}</span>
        </div>
        <button type="button" class="icon-button" aria-label="Do not reply" onClick=${() => onReplyTo(null)}>
          <${Icon} name="close" />
        </button>
      </div>`
    }
    <form class="composer-row" onSubmit=${submit}>
      <textarea
        ref=${area}
        rows="1"
        placeholder="Message"
        aria-label="Message"
        enterkeyhint="send"
        value=${text}
        onInput=${onInput}
        onKeyDown=${onKeyDown}
      ></textarea>
      <button type="submit" class="send" aria-label="Send" disabled=${text.trim() === ''}>
        <${Icon} name="send" />
      </button>
    </form>
  </footer>`
}

function whyReadOnly(chat) {
  if (chat.type === 'direct') return null
  if (chat.myRole === null) return 'You are no longer a member of this group.'
  const admin = chat.myRole === 'owner' || chat.myRole === 'admin'
  if (chat.type === 'broadcast' && !admin) return 'Only admins write here.'
  if (chat.permissions?.sendMessages === 'admins' && !admin)
    return 'Only admins can send messages in this group.'
  return null
}
