/** The few pictures of the page, drawn in the text's colour. */
import { html } from '../vendor/htm-preact.js'

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  plus: 'M12 5v14M5 12h14',
  frames: 'M8 4v14M8 18l-3-3M8 18l3-3M16 20V6M16 6l-3 3M16 6l3 3',
  exit: 'M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8M10 12h10M17 8.500L20.5 12 17 15.5',
  close: 'M6 6l12 12M18 6L6 18',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4',
  send: 'M4.5 12L20 4.5 15.5 20l-3.8-6.200zM11.7 13.800L20 4.5',
  down: 'M6 10l6 6 6-6',
  group:
    'M9 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.500c.6-3.5 3.2-5 6.5-5s5.9 1.5 6.5 5M16 11.700a3 3 0 1 0-1.2-5.700M18 14.800c1.9.6 3.1 2 3.5 4.2',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.500c.8-4 3.7-6 7.5-6s6.7 2 7.5 6',
  pause: 'M9 5v14M15 5v14',
  play: 'M8 5l11 7-11 7z',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13M10.5 11v5.500M13.5 11v5.5',
  reply: 'M9 7L4 12l5 5M4 12h9a7 7 0 0 1 7 7',
  pencil: 'M5 19l1-4.5L16.5 4 20 7.5 9.5 18zM14.5 6l3.5 3.5',
  smile: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.500c1.8 2.3 5.2 2.3 7 0M9 9.500v.5M15 9.500v.5',
  check: 'M5 12.500l4.5 4.500L19 7.5',
  pin: 'M12 21v-6M8 4h8l-1 6 3 3v2H6v-2l3-3z',
}

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`
}

const TICK_WORDS = {
  pending: 'Waiting to be sent',
  sent: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  failed: 'Not sent',
}

/** The clock and the ticks of one's own messages. */
export function Ticks({ status }) {
  const shape = {
    pending: html`<circle cx="8" cy="6" r="4.5" /><path d="M8 3.500V6l1.7 1.2" />`,
    failed: html`<circle cx="8" cy="6" r="4.8" /><path d="M8 3.500v3M8 8.400v.1" />`,
    sent: html`<path d="M4 6.500l2.8 2.800L12 3.5" />`,
    delivered: html`<path d="M1.5 6.500l2.8 2.800L9.5 3.500M7.8 9.100l.2.200L13.5 3.5" />`,
    read: html`<path d="M1.5 6.500l2.8 2.800L9.5 3.500M7.8 9.100l.2.200L13.5 3.5" />`,
  }[status]
  return html`<svg
    class="ticks ticks-${status}"
    viewBox="0 0 16 12"
    role="img"
    aria-label=${TICK_WORDS[status]}
  >
    <title>${TICK_WORDS[status]}</title>
    ${shape}
  </svg>`
}
