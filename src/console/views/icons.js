/** The few pictures of the page, drawn in the text's colour. */
import { html } from '../vendor/htm-preact.js'

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  plus: 'M12 5v14M5 12h14',
  frames: 'M8 4v14M8 18l-3-3M8 18l3-3M16 20V6M16 6l-3 3M16 6l3 3',
  exit: 'M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8M10 12h10M17 8.500L20.500 12 17 15.500',
  close: 'M6 6l12 12M18 6L6 18',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM20 20l-4-4',
  send: 'M4.500 12L20 4.500 15.500 20l-3.800-6.200zM11.700 13.800L20 4.500',
  down: 'M6 10l6 6 6-6',
  group:
    'M9 12a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 19.500c.6-3.500 3.200-5 6.500-5s5.900 1.500 6.500 5M16 11.700a3 3 0 1 0-1.200-5.700M18 14.800c1.900.6 3.100 2 3.500 4.200',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.500 20.500c.8-4 3.700-6 7.500-6s6.700 2 7.500 6',
  pause: 'M9 5v14M15 5v14',
  play: 'M8 5l11 7-11 7z',
  trash: 'M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13M10.500 11v5.500M13.500 11v5.500',
  reply: 'M9 7L4 12l5 5M4 12h9a7 7 0 0 1 7 7',
  smile:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.500 14.500c1.800 2.300 5.200 2.300 7 0M9 9.500v.5M15 9.500v.5',
  check: 'M5 12.500l4.500 4.500L19 7.500',
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
    pending: html`<circle cx="8" cy="6" r="4.500" /><path d="M8 3.500V6l1.700 1.200" />`,
    failed: html`<circle cx="8" cy="6" r="4.800" /><path d="M8 3.500v3M8 8.400v.1" />`,
    sent: html`<path d="M4 6.500l2.800 2.800L12 3.500" />`,
    delivered: html`<path d="M1.500 6.500l2.800 2.800L9.500 3.500M7.800 9.100l.2.200L13.500 3.500" />`,
    read: html`<path d="M1.500 6.500l2.800 2.800L9.500 3.500M7.800 9.100l.2.200L13.500 3.500" />`,
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
