/** Sentences with a little markup: `code`, **strong** and [links](#there), cut apart and never written as HTML. */
import { html } from './vendor/htm-preact.js'

const MARKUP = /(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([#/][^)\s]*\))/u

export function prose(text) {
  return text.split(MARKUP).map((part) => {
    if (part.startsWith('`') && part.length > 2) return html`<code>${part.slice(1, -1)}</code>`
    if (part.startsWith('**')) return html`<strong>${part.slice(2, -2)}</strong>`
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/u.exec(part)
    return link === null ? part : html`<a href=${link[2]}>${link[1]}</a>`
  })
}

/** The same, cut into paragraphs at empty lines. */
export function Paragraphs({ text }) {
  return (text ?? '')
    .split(/\n{2,}/u)
    .filter((part) => part.trim() !== '')
    .map((part, index) => html`<p key=${index}>${prose(part)}</p>`)
}
