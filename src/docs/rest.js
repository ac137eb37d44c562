/** Swagger UI on /openapi.json, loaded when its panel is first opened: it is by far the largest file of the page. */
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js'

function load(element) {
  return new Promise((resolve, reject) => {
    element.addEventListener('load', resolve)
    element.addEventListener('error', () => reject(new Error('Swagger UI could not be loaded.')))
    document.head.append(element)
  })
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
    <p class="hint">
      To call as somebody: choose <b>Authorize</b> and paste an access token (the
      <a href="#start">first steps</a> get you one). It is kept in this browser.
    </p>
    ${problem !== null && html`<p role="alert">${problem}</p>`}
    <div ref=${place}></div>
  </div>`
}
