/** The place to write: Enter sends, Shift+Enter makes a new line. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../vendor/htm-preact.js'
import { personName, previewWords } from '../words.js'
import { Icon } from './icons.js'

const IDLE_MS = 3_000
const HEIGHT_MAX = 160

/** `subject` is the message that is answered or edited: `{kind: 'reply' | 'edit', message}`, or null. */
export function Composer({ app, state, chat, subject, onSubject }) {
  const [text, setText] = useState(app.drafts.get(chat.id) ?? '')
  const area = useRef(null)
  const idle = useRef(0)
  const editing = subject?.kind === 'edit'

  useEffect(() => {
    // On a phone the keyboard would cover the chat that was only to be read.
    if (matchMedia('(pointer: fine)').matches) area.current?.focus()
    return () => {
      clearTimeout(idle.current)
      app.stopTyping(chat.id)
    }
  }, [])
  useEffect(() => {
    if (subject === null) return
    if (editing) setText(subject.message.content)
    area.current?.focus()
  }, [subject])
  useLayoutEffect(() => {
    if (area.current === null) return
    area.current.style.height = 'auto'
    area.current.style.height = `${Math.min(HEIGHT_MAX, area.current.scrollHeight)}px`
  }, [text])

  const reason = whyReadOnly(chat)
  if (reason !== null) return html`<footer class="composer read-only">${reason}</footer>`

  // What was being written before an edit comes back after it.
  const drop = () => {
    setText(app.drafts.get(chat.id) ?? '')
    onSubject(null)
    area.current.focus()
  }
  const onInput = (event) => {
    setText(event.target.value)
    clearTimeout(idle.current)
    if (editing) return
    app.drafts.set(chat.id, event.target.value)
    if (event.target.value.trim() === '') {
      app.stopTyping(chat.id)
      return
    }
    app.typing(chat.id)
    idle.current = setTimeout(() => app.stopTyping(chat.id), IDLE_MS)
  }
  const submit = (event) => {
    event.preventDefault()
    const content = text.trim()
    if (content === '') return
    if (editing) {
      void app.edit(subject.message, content)
    } else {
      clearTimeout(idle.current)
      app.stopTyping(chat.id)
      app.send(chat.id, content, quoteOf(state, subject))
      app.drafts.delete(chat.id)
    }
    drop()
  }
  const onKeyDown = (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event)
    if (event.key === 'Escape' && subject !== null) {
      event.stopPropagation()
      drop()
    }
  }

  return html`<footer class="composer">
    ${subject !== null && html`<${Subject} state=${state} subject=${subject} onDrop=${drop} />`}
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
      <button
        type="submit"
        class="send"
        aria-label=${editing ? 'Save' : 'Send'}
        disabled=${text.trim() === ''}
      >
        <${Icon} name=${editing ? 'check' : 'send'} />
      </button>
    </form>
  </footer>`
}

function Subject({ state, subject: { kind, message }, onDrop }) {
  return html`<div class="subject">
    <div class="quote">
      <strong>${kind === 'edit' ? 'Edit' : personName(state, message.senderId)}</strong>
      <span>${previewWords(state, message)}</span>
    </div>
    <button type="button" class="icon-button" aria-label="Never mind" onClick=${onDrop}>
      <${Icon} name="close" />
    </button>
  </div>`
}

function quoteOf(state, subject) {
  return subject === null ? null : { id: subject.message.id, preview: previewWords(state, subject.message) }
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
