/** The fields of a payload as a table, nested ones indented. */
import { fieldsOf, limitWords, resolve, typeWords } from './schema.js'
import { html } from './vendor/htm-preact.js'

export function SchemaTable({ root, node }) {
  const fields = fieldsOf(root, node)
  if (fields.length === 0) return html`<p class="quiet">No fields.</p>`
  return html`<div class="table-box">
    <table class="schema">
      <thead>
        <tr>
          <th>Field</th>
          <th>Type</th>
          <th>Meaning</th>
        </tr>
      </thead>
      <tbody>
        ${fields.map(({ name, depth, node: field, required }, index) => {
          const notes = [resolve(root, field).description, limitWords(root, field)].filter(Boolean)
          return html`<tr key=${index}>
            <td class="depth-${Math.min(depth, 5)}">
              <code>${name}</code>${!required && html`<small> optional</small>`}
            </td>
            <td><code class="type">${typeWords(root, field)}</code></td>
            <td>${notes.join('. ')}</td>
          </tr>`
        })}
      </tbody>
    </table>
  </div>`
}
