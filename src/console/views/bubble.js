/** One message, and one that is still on its way. Text reaches the page only as text. */
import { html } from '../vendor/htm-preact.js'
import { callWords, personName, plural, previewWords, timeOfDay } from '../words.js'
import { Actions } from './actions.js'
import { Ticks } from './icons.js'
import { tintOf } from './pieces.js'

const LINK = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/u
const ONLY_EMOJI =
  /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*\s*){1,3}$/u

export function Bubble({ app, state, chat, message, first, last, onSubject }) {
  const mine = message.senderId === state.me.id
  const named = !mine && first && chat.type !== 'direct'
  const side = `${mine ? 'mine' : 'theirs'} ${first ? 'first' : ''} ${last ? 'last' : ''}`
  // Focusable by a tap, which is how the actions appear where nothing can hover.
  return html`<article class="message ${side}" tabindex="-1">
    <div class="bubble ${message.isDeleted ? 'deleted' : ''} ${isBig(message) ? 'big' : ''}">
      ${named && html`<div class="sender tint-text-${tintOf(message.senderId)}">${personName(state, message.senderId)}</div>`}
      ${message.forwarded && html`<div class="forwarded">Forwarded</div>`}
      ${message.replyTo && html`<${Quote} state=${state} replyTo=${message.replyTo} />`}
      <${Content} state=${state} message=${message} />
      <span class="meta">
        ${message.isEdited && !message.isDeleted && html`<span>edited</span>`}
        <time datetime=${message.createdAt}>${timeOfDay(message.createdAt)}</time>
        ${mine && !message.isDeleted && html`<${Ticks} status=${message.status} />`}
      </span>
      ${message.reactions?.length > 0 && html`<${Reactions} reactions=${message.reactions} />`}
    </div>
    ${!message.isDeleted && html`<${Actions} app=${app} message=${message} mine=${mine} onSubject=${onSubject} />`}
  </article>`
}

/** A message that the server has not answered for yet, or that it refused. */
export function PendingBubble({ app, entry, first }) {
  const failed = entry.state === 'failed'
  return html`<article class="message mine last ${first ? 'first' : ''} ${failed ? 'failed' : 'pending'}">
    <div class="bubble">
      ${entry.replyTo && html`<div class="quote"><span>${entry.replyTo.preview}</span></div>`}
      <p class="text"><${Text} text=${entry.content} /></p>
      <span class="meta">
        <time datetime=${entry.createdAt}>${timeOfDay(entry.createdAt)}</time>
        <${Ticks} status=${failed ? 'failed' : 'pending'} />
      </span>
    </div>
    ${
      failed &&
      html`<div class="failure" role="alert">
        <span>${entry.error}</span>
        <button type="button" class="link" onClick=${() => app.retry(entry.clientMessageId)}>
          Try again
        </button>
        <button type="button" class="link" onClick=${() => app.discard(entry.clientMessageId)}>
          Discard
        </button>
      </div>`
    }
  </article>`
}

function Content({ state, message }) {
  if (message.isDeleted) return html`<p class="text">This message was deleted</p>`
  if (message.type === 'text') return html`<p class="text"><${Text} text=${message.content ?? ''} /></p>`
  if (message.type === 'poll') return html`<${Poll} poll=${message.poll} />`
  if (message.type === 'call') return html`<p class="text special">${callWords(message.callData)}</p>`
  if (message.type === 'contact') {
    return html`<p class="text special">${message.contact?.name}<br />${message.contact?.phoneNumber}</p>`
  }
  return html`<p class="text special">${previewWords(state, message)}</p>`
}

// Links become anchors by cutting the text, never by writing HTML.
function Text({ text }) {
  return text
    .split(LINK)
    .map((part, index) =>
      index % 2 === 1
        ? html`<a href=${part} target="_blank" rel="noopener noreferrer nofollow">${part}</a>`
        : part,
    )
}

function Quote({ state, replyTo }) {
  return html`<div class="quote">
    <strong class="tint-text-${tintOf(replyTo.senderId ?? '')}"
      >${personName(state, replyTo.senderId)}</strong
    >
    <span>${previewWords(state, replyTo)}</span>
  </div>`
}

function Poll({ poll }) {
  const votes = poll.options.reduce((sum, option) => sum + option.count, 0)
  return html`<div class="poll">
    <strong>${poll.question}</strong>
    ${poll.options.map(
      (option) =>
        html`<label>
          <span>${option.text}${option.mine ? ' ✓' : ''}</span><span>${option.count}</span>
          <meter min="0" max=${Math.max(1, votes)} value=${option.count}></meter>
        </label>`,
    )}
    <small>${plural(votes, 'vote')}${poll.closed ? ', closed' : ''}</small>
  </div>`
}

function Reactions({ reactions }) {
  return html`<div class="reactions">
    ${reactions.map(
      ({ emoji, count, mine }) =>
        html`<span class=${mine ? 'mine' : ''} key=${emoji}
          >${emoji}${count > 1 ? html` <b>${count}</b>` : ''}</span
        >`,
    )}
  </div>`
}

function isBig({ type, content, replyTo, isDeleted }) {
  return type === 'text' && !isDeleted && !replyTo && ONLY_EMOJI.test(content ?? '')
}
