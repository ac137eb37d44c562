/** The chat client in the browser: plain files under /console, which use the public API and nothing else. */
import { createRequire } from 'node:module'
import { serveFiles } from './static-files.ts'

// Everything comes from this origin and nothing is inline, so a script that slipped into a message could not run.
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const FILES = [
  'icon.svg',
  'main.js',
  'app.js',
  'api.js',
  'catch-up.js',
  'events.js',
  'frame-log.js',
  'outbox.js',
  'people.js',
  'reduce.js',
  'sign-in.js',
  'socket.js',
  'store.js',
  'tab.js',
  'timeline.js',
  'words.js',
  'views/actions.js',
  'views/address.js',
  'views/bubble.js',
  'views/chat-list.js',
  'views/composer.js',
  'views/conversation.js',
  'views/frames.js',
  'views/icons.js',
  'views/message-list.js',
  'views/new-chat.js',
  'views/pieces.js',
  'views/shell.js',
  'views/sign-in.js',
  'styles/theme.css',
  'styles/layout.css',
  'styles/chat-list.css',
  'styles/conversation.css',
  'styles/dialogs.css',
  'styles/frames.css',
]

const require = createRequire(import.meta.url)
const here = (path: string): URL => new URL(path, import.meta.url)
const page = { path: '', file: here('index.html') }

export const consoleRoutes = serveFiles(
  [
    page,
    ...FILES.map((path) => ({ path, file: here(path) })),
    // The package's export map has no entry for this file, so it is found beside one that has.
    {
      path: 'vendor/htm-preact.js',
      file: require.resolve('htm').replace(/dist[\\/]htm\.js$/u, 'preact/standalone.module.js'),
    },
  ],
  CONTENT_SECURITY_POLICY,
)
