/** What can be done with a message, beside its bubble. */
import { html, useState } from '../vendor/htm-preact.js'
import { Icon } from './icons.js'

const EMOJI = ['👍', '❤️', '😂', '😮', '😢', '🙏']

export function Actions({ app, message, mine, onSubject }) {
  const [choosing, setChoosing] = useState(false)
  const react = (emoji) => {
    setChoosing(false)
    void app.react(message, emoji)
  }
  if (choosing) {
    return html`<div class="actions choosing" onMouseLeave=${() => setChoosing(false)}>
      ${EMOJI.map((emoji) => html`<button type="button" key=${emoji} onClick=${() => react(emoji)}>${emoji}</button>`)}
    </div>`
  }
  return html`<div class="actions">
    <${Action} icon="smile" label="React" onClick=${() => setChoosing(true)} />
    <${Action} icon="reply" label="Reply" onClick=${() => onSubject({ kind: 'reply', message })} />
    ${
      mine &&
      message.type === 'text' &&
      html`<${Action} icon="pencil" label="Edit" onClick=${() => onSubject({ kind: 'edit', message })} />`
    }
    ${mine && html`<${Action} icon="trash" label="Delete for everyone" onClick=${() => app.remove(message)} />`}
  </div>`
}

function Action({ icon, label, onClick }) {
  return html`<button type="button" aria-label=${label} title=${label} onClick=${onClick}>
    <${Icon} name=${icon} />
  </button>`
}
