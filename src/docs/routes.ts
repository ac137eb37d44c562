/** The page at /docs: first steps, the REST reference to try, and the socket's events; readable without a network. */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { serveFiles } from '../console/static-files.ts'

// Swagger UI sets inline style attributes while it draws; scripts still come from this origin only.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const FILES = [
  'main.js',
  'start.js',
  'code.js',
  'prose.js',
  'rest.js',
  'socket.js',
  'schema.js',
  'schema-table.js',
  'docs.css',
  'rest.css',
]

const require = createRequire(import.meta.url)
const here = (path: string): URL => new URL(path, import.meta.url)
const swagger = dirname(require.resolve('swagger-ui-dist/package.json'))

export const docsRoutes = serveFiles(
  [
    { path: '', file: here('index.html') },
    ...FILES.map((path) => ({ path, file: here(path) })),
    { path: 'icon.svg', file: here('../console/icon.svg') },
    {
      path: 'vendor/htm-preact.js',
      file: join(dirname(require.resolve('htm')), '../preact/standalone.module.js'),
    },
    { path: 'vendor/swagger-ui-bundle.js', file: join(swagger, 'swagger-ui-bundle.js') },
    { path: 'vendor/swagger-ui.css', file: join(swagger, 'swagger-ui.css') },
  ],
  CONTENT_SECURITY_POLICY,
)
