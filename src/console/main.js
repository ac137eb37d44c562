import { createApp } from './app.js'
import { claimTab } from './tab.js'
import { html, render } from './vendor/htm-preact.js'
import { Shell } from './views/shell.js'

await claimTab()
const app = createApp()
app.resume()
render(html`<${Shell} app=${app} />`, document.querySelector('#app'))
