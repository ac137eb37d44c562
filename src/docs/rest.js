/** Swagger UI on /openapi.json, loaded when its panel is first opened: it is by far the largest file of the page. */
import { prose } from './prose.js'
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js'

const HINT =
  'To call as somebody: choose **Authorize** and paste an access token (the [first steps](#start) get you one). It is kept in this browser.'

function load(element) {
  return new Promise((resolve, reject) => {
    element.addEventListener('load', resolve)
    element.addEventListener('error', () => reject(new Error('Swagger UI could not be loaded.')))
    document.head.append(element)
  })
}

// Swagger UI's dark theme waits for a class on the root element.
function followColours() {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const apply = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
  apply()
  dark.addEventListener('change', apply)
}

function loadSwagger() {
  const script = Object.assign(document.createElement('script'), { src: '/docs/vendor/swagger-ui-bundle.js' })
  const styles = ['/docs/vendor/swagger-ui.css', '/docs/rest.css'].map((href) =>
    Object.assign(document.createElement('link'), { rel: 'stylesheet', href }),
  )
  return Promise.all([script, ...styles].map((element) => load(element)))
}

export function Rest() {
  const place = useRef(null)
  const [problem, setProblem] = useState(null)
  useEffect(() => {
    const draw = async () => {
      try {
        followColours()
        await loadSwagger()
        globalThis.SwaggerUIBundle({
          url: '/openapi.json',
          domNode: place.current,
          deepLinking: true,
          docExpansion: 'none',
          filter: true,
          defaultModelsExpandDepth: -1,
          defaultModelRendering: 'model',
          displayRequestDuration: true,
          persistAuthorization: true,
          requestSnippetsEnabled: true,
          tryItOutEnabled: true,
          // The default would send the document to a validator on another host.
          validatorUrl: null,
        })
      } catch (error) {
        setProblem(error.message)
      }
    }
    void draw()
  }, [])
  return html`<div class="rest">
    <p class="hint">${prose(HINT)}</p>
    ${problem !== null && html`<p role="alert">${problem}</p>`}
    <div ref=${place}></div>
  </div>`
}
