/** A block of code with a button that copies it. */
import { html, useState } from './vendor/htm-preact.js'

export function Code({ text, label }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 1_500)
  }
  return html`<figure class="code">
    <figcaption>
      <span>${label}</span>
      ${
        navigator.clipboard !== undefined &&
        html`<button type="button" onClick=${copy} aria-live="polite">${copied ? 'Copied' : 'Copy'}</button>`
      }
    </figcaption>
    <pre tabindex="0"><code>${text}</code></pre>
  </figure>`
}
