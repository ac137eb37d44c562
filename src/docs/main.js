/** The page with its three panels; the address says which one is open. */
import { Rest } from './rest.js'
import { Socket } from './socket.js'
import { Start } from './start.js'
import { html, render, useEffect, useState } from './vendor/htm-preact.js'

const TABS = [
  { name: 'start', title: 'Start', view: Start },
  { name: 'rest', title: 'REST', view: Rest },
  { name: 'socket', title: 'Socket', view: Socket },
]

// Swagger UI's own links to an operation begin with "#/".
function tabInAddress() {
  if (location.hash.startsWith('#/')) return 'rest'
  const name = location.hash.slice(1).split('/')[0]
  return TABS.some((tab) => tab.name === name) ? name : 'start'
}

function Docs() {
  const [current, setCurrent] = useState(tabInAddress())
  const [opened, setOpened] = useState([current])
  useEffect(() => {
    const follow = () => setCurrent(tabInAddress())
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  useEffect(() => {
    if (!opened.includes(current)) setOpened([...opened, current])
  }, [current])

  return html`<header class="top">
      <a class="brand" href="#start"><img src="/docs/icon.svg" alt="" width="30" height="30" /> Parley</a>
      <nav aria-label="Documentation">
        ${TABS.map(
          ({ name, title }) =>
            html`<a href="#${name}" aria-current=${name === current ? 'page' : undefined} key=${name}
              >${title}</a
            >`,
        )}
      </nav>
      <a class="try" href="/console">Chat client</a>
    </header>
    ${TABS.filter(({ name }) => opened.includes(name)).map(
      ({ name, view }) => html`<main class="panel" key=${name} hidden=${name !== current}><${view} /></main>`,
    )}`
}

render(html`<${Docs} />`, document.querySelector('#app'))
