/** /asyncapi.json made readable: every frame in both directions, with its fields and examples. */
import { Code } from './code.js'
import { Paragraphs, prose } from './prose.js'
import { refName, resolve } from './schema.js'
import { SchemaTable } from './schema-table.js'
import { html, useEffect, useState } from './vendor/htm-preact.js'

// AsyncAPI speaks for the server: what it receives is what a client sends.
const DIRECTIONS = {
  receive: { title: 'You send', arrow: '↑', words: 'client → server' },
  send: { title: 'You receive', arrow: '↓', words: 'server → client' },
}

export function Socket() {
  const [doc, setDoc] = useState(null)
  const [problem, setProblem] = useState(null)
  const [filter, setFilter] = useState('')
  useEffect(() => {
    const load = async () => {
      const response = await fetch('/asyncapi.json')
      if (!response.ok) throw new Error(`/asyncapi.json answered with status ${response.status}.`)
      setDoc(await response.json())
    }
    load().catch((error) => setProblem(error.message))
  }, [])
  useEffect(() => {
    const anchor = /^#socket\/(.+)$/u.exec(location.hash)?.[1]
    if (doc !== null && anchor)
      document.querySelector(`[id="${CSS.escape(decodeURIComponent(anchor))}"]`)?.scrollIntoView()
  }, [doc])

  if (problem !== null) return html`<p class="prose" role="alert">${problem}</p>`
  if (doc === null) return html`<p class="prose quiet">Loading…</p>`
  const wanted = filter.trim().toLowerCase()
  const entries = entriesOf(doc).filter(
    ({ title, summary }) => wanted === '' || `${title} ${summary}`.toLowerCase().includes(wanted),
  )
  return html`<div class="socket">
    <aside class="index">
      <input
        type="search"
        placeholder="Find an event"
        aria-label="Find an event"
        value=${filter}
        onInput=${(event) => setFilter(event.target.value)}
      />
      ${Object.entries(DIRECTIONS).map(
        ([action, { title, arrow }]) =>
          html`<h3>${arrow} ${title}</h3>
            <ul>
              ${entries
                .filter((entry) => entry.action === action)
                .map(
                  (entry) =>
                    html`<li key=${entry.id}>
                      <a href="#socket/${entry.id}" onClick=${follow}>${entry.title}</a>
                    </li>`,
                )}
            </ul>`,
      )}
    </aside>
    <article class="events">
      <header class="prose">
        <h1>The socket</h1>
        <p class="lead">${doc.info?.title} ${doc.info?.version}</p>
        <${Paragraphs} text=${doc.info?.description} />
        <${Channels} doc=${doc} />
      </header>
      ${entries.map((entry) => html`<${Entry} key=${entry.id} doc=${doc} entry=${entry} />`)}
      ${entries.length === 0 && html`<p class="quiet">No event has that name.</p>`}
    </article>
  </div>`
}

// The address changes by the link itself; the scrolling is ours, because the anchor has a name of two parts.
function follow(event) {
  const id = decodeURIComponent(event.currentTarget.hash.slice('#socket/'.length))
  requestAnimationFrame(() =>
    document.querySelector(`[id="${CSS.escape(id)}"]`)?.scrollIntoView({ behavior: 'smooth' }),
  )
}

function entriesOf(doc) {
  return Object.entries(doc.operations ?? {}).flatMap(([operationName, operation]) => {
    const channel = resolve(doc, operation.channel)
    const messages = operation.messages ?? Object.values(channel.messages ?? {})
    return messages.map((reference) => {
      const message = resolve(doc, resolve(doc, reference))
      const name = message.name ?? refName(reference)
      return {
        id: `${operation.action}-${name}`,
        action: operation.action,
        title: name || operationName,
        summary: message.summary ?? operation.summary ?? message.title ?? '',
        description: message.description ?? operation.description ?? '',
        message,
        replies: (operation.reply?.messages ?? []).map((reply) => resolve(doc, resolve(doc, reply))),
      }
    })
  })
}

function Channels({ doc }) {
  return Object.entries(doc.channels ?? {}).map(
    ([name, channel]) =>
      html`<p key=${name}>
        <code>${channel.address ?? name}</code> ${channel.description ?? channel.summary ?? ''}
      </p>`,
  )
}

function Entry({ doc, entry }) {
  const direction = DIRECTIONS[entry.action] ?? DIRECTIONS.send
  return html`<section class="event event-${entry.action}" id=${entry.id}>
    <h2><span class="direction" title=${direction.words}>${direction.arrow}</span> ${entry.title}</h2>
    ${entry.summary && html`<p class="summary">${prose(entry.summary)}</p>`}
    <${Paragraphs} text=${entry.description === entry.summary ? '' : entry.description} />
    <${Payload} doc=${doc} message=${entry.message} label="Example" />
    ${entry.replies.map(
      (reply, index) =>
        html`<details key=${index}>
          <summary>Answer: <code>${reply.name ?? reply.title}</code> ${reply.summary ?? ''}</summary>
          <${Payload} doc=${doc} message=${reply} label="Answer" />
        </details>`,
    )}
  </section>`
}

function Payload({ doc, message, label }) {
  const payload = message.payload?.schema ?? message.payload
  return html`${payload && html`<${SchemaTable} root=${doc} node=${payload} />`}
  ${(message.examples ?? []).map(
    (example, index) =>
      html`<${Code}
        key=${index}
        label=${example.summary ?? example.name ?? label}
        text=${JSON.stringify(example.payload, null, 2)}
      />`,
  )}`
}
