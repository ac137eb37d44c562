/** The socket's frames as they go by; secrets are masked before they get here. */
import { html, useEffect, useLayoutEffect, useRef, useState } from '../vendor/htm-preact.js'
import { Icon } from './icons.js'

export function Frames({ log, onClose }) {
  const [, redraw] = useState(0)
  const [filter, setFilter] = useState('')
  const [openKey, setOpenKey] = useState(null)
  const list = useRef(null)
  const follow = useRef(true)
  useEffect(() => log.subscribe(() => redraw((count) => count + 1)), [log])
  useLayoutEffect(() => {
    if (follow.current) list.current.scrollTop = list.current.scrollHeight
  })

  const wanted = filter.trim().toLowerCase()
  const shown = log.frames.filter(
    ({ event, rest }) => wanted === '' || `${event} ${JSON.stringify(rest)}`.toLowerCase().includes(wanted),
  )
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = list.current
    follow.current = scrollHeight - scrollTop - clientHeight < 40
  }
  return html`<section class="frames" aria-label="Socket frames">
    <header class="bar">
      <div class="bar-text">
        <strong>Frames</strong>
        <span class="subtitle">${log.paused ? 'Paused' : `${shown.length} shown, newest last`}</span>
      </div>
      <button
        type="button"
        class="icon-button"
        aria-label=${log.paused ? 'Go on' : 'Pause'}
        title=${log.paused ? 'Go on' : 'Pause'}
        aria-pressed=${log.paused}
        onClick=${() => log.setPaused(!log.paused)}
      >
        <${Icon} name=${log.paused ? 'play' : 'pause'} />
      </button>
      <button type="button" class="icon-button" aria-label="Clear" title="Clear" onClick=${log.clear}>
        <${Icon} name="trash" />
      </button>
      <button type="button" class="icon-button" aria-label="Close frames" title="Close" onClick=${onClose}>
        <${Icon} name="close" />
      </button>
    </header>
    <label class="search">
      <${Icon} name="search" />
      <input
        type="search"
        placeholder="Filter, e.g. message:"
        aria-label="Filter frames"
        value=${filter}
        onInput=${(event) => setFilter(event.target.value)}
      />
    </label>
    <ol class="frame-list" ref=${list} onScroll=${onScroll} tabindex="0">
      ${shown.map(
        (frame) =>
          html`<${FrameRow}
            key=${frame.key}
            frame=${frame}
            open=${openKey === frame.key}
            onToggle=${() => setOpenKey(openKey === frame.key ? null : frame.key)}
          />`,
      )}
      ${shown.length === 0 && html`<li class="note">No frames ${wanted === '' ? 'yet' : 'match'}.</li>`}
    </ol>
  </section>`
}

function FrameRow({ frame, open, onToggle }) {
  const { at, direction, event, rest } = frame
  const compact = JSON.stringify(rest.data ?? rest.error ?? rest)
  return html`<li class="frame frame-${direction} ${event === 'error:general' ? 'frame-error' : ''}">
    <button type="button" aria-expanded=${open} onClick=${onToggle}>
      <span class="frame-head">
        <span class="arrow" aria-label=${direction === 'out' ? 'sent' : 'received'}
          >${direction === 'out' ? '↑' : '↓'}</span
        >
        <b>${event}</b>
        ${rest.id !== undefined && html`<span class="frame-id">${rest.id}</span>`}
        <time>${clock(at)}</time>
      </span>
      <code>${open ? JSON.stringify({ event, ...rest }, null, 2) : compact === '{}' ? '' : compact}</code>
    </button>
  </li>`
}

function clock(at) {
  return `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
