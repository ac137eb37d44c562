/** Small parts that several views use. */
import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js'
import { Icon } from './icons.js'

const TINTS = 8

/** A coloured disc with initials; `online` adds the presence dot. */
export function Avatar({ id, name, online = false, kind = 'person' }) {
  const initials = name
    .split(/\s+/u)
    .map((word) => [...word][0] ?? '')
    .filter((letter) => /[\p{L}\p{N}]/u.test(letter))
    .slice(0, 2)
    .join('')
    .toUpperCase()
  return html`<span class="avatar tint-${tintOf(id ?? name)}" aria-hidden="true">
    ${initials === '' ? html`<${Icon} name=${kind === 'group' ? 'group' : 'person'} />` : initials}
    ${online && html`<span class="presence-dot"></span>`}
  </span>`
}

/** One of eight colours, always the same for one person. */
export function tintOf(id) {
  let hash = 0
  for (const letter of id) hash = (hash * 31 + letter.codePointAt(0)) % 9_973
  return hash % TINTS
}

/** Seconds until a moment, counting down. */
export function useCountdown(until) {
  const [, redraw] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), 500)
    return () => clearInterval(timer)
  }, [until])
  return Math.max(0, Math.ceil((until - Date.now()) / 1_000))
}

/** How the connection is, in words; as a banner it is there only when there is something to say or to do. */
export function StatusLine({ state, app, banner = false }) {
  const { phase, caughtUp } = state
  if (phase.name === 'waiting')
    return html`<${Waiting} app=${app} retryAt=${phase.retryAt} banner=${banner} />`
  const words =
    { connecting: 'Connecting…', 'catching-up': 'Catching up…', online: (banner && caughtUp) || 'Online' }[
      phase.name
    ] ?? 'Offline'
  if (banner && phase.name === 'online' && caughtUp === null) return null
  return html`<div class="status status-${phase.name}" role="status">
    <span class="status-dot"></span>${words}
  </div>`
}

function Waiting({ app, retryAt, banner }) {
  const seconds = useCountdown(retryAt)
  return html`<div class="status status-waiting" role="status">
    <span class="status-dot"></span>
    <span>Reconnecting${seconds > 0 ? ` in ${seconds} s` : '…'}</span>
    ${banner && html`<button type="button" class="link" onClick=${app.reconnectNow}>Try now</button>`}
  </div>`
}

/** A modal dialog of the browser's own kind, so that focus stays inside and Escape closes it. */
export function Dialog({ title, onClose, children }) {
  const ref = useRef(null)
  useEffect(() => {
    const dialog = ref.current
    dialog.showModal()
    return () => dialog.open && dialog.close()
  }, [])
  const onClick = (event) => event.target === ref.current && onClose()
  return html`<dialog class="dialog" ref=${ref} aria-label=${title} onClose=${onClose} onClick=${onClick}>
    <div class="dialog-body">
      <header class="dialog-head">
        <h2>${title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}>
          <${Icon} name="close" />
        </button>
      </header>
      ${children}
    </div>
  </dialog>`
}

/** A sentence at the foot of the page that goes away by itself. */
export function Toast({ app, text }) {
  if (text === null) return null
  return html`<div class="toast" role="alert">
    <span>${text}</span>
    <button type="button" class="icon-button" aria-label="Dismiss" onClick=${() => app.say(null)}>
      <${Icon} name="close" />
    </button>
  </div>`
}
