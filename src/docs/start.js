/** From nothing to a first message, by hand. */
import { Code } from './code.js'
import { prose } from './prose.js'
import { html } from './vendor/htm-preact.js'

const BASE = location.origin
const SOCKET = `${BASE.replace(/^http/u, 'ws')}/ws`

const PEOPLE = `BASE=${BASE}

# Registers somebody, reads the code from the development outbox, prints the access token.
person() {
  curl -s $BASE/api/auth/register --json "{\\"phoneNumber\\":\\"$1\\",\\"fullName\\":\\"$2\\"}" > /dev/null
  CODE=$(curl -s -G $BASE/dev/outbox --data-urlencode "to=$1" | jq -r '.data[0].data.otp')
  curl -s $BASE/api/auth/verify-otp --json "{\\"phoneNumber\\":\\"$1\\",\\"otp\\":\\"$CODE\\"}" |
    jq -r .data.tokens.accessToken
}

ALICE=$(person +12025550101 "Alice")
BOB=$(person +12025550102 "Bob")
BOB_ID=$(curl -s $BASE/api/users/me -H "Authorization: Bearer $BOB" | jq -r .data.id)`

const MESSAGE = `curl -s $BASE/api/messages/chat -H "Authorization: Bearer $ALICE" --json "{
  \\"receiverId\\": \\"$BOB_ID\\",
  \\"clientMessageId\\": \\"first-1\\",
  \\"content\\": \\"Hello Bob\\"
}" | jq`

const LISTEN = `npx wscat -c ${SOCKET} -H "Authorization: Bearer $BOB"`

const FRAMES = `{"event":"message:send","id":"1","data":{"chatId":"<chatId>","clientMessageId":"answer-1","content":"Hello Alice"}}
{"event":"message:read","id":"2","data":{"chatId":"<chatId>","upTo":1}}`

const LOGIN = `{"event":"auth:login","id":"1","data":{"token":"<accessToken>","cursor":"<where this device stopped>"}}`

const STEPS = [
  {
    title: 'Two people',
    text: 'Signing in is a phone number and a code. In development nothing is really sent: the code waits in `/dev/outbox`. With a real SMS provider, or in production, that route does not exist.',
    code: [{ label: 'Shell', text: PEOPLE }],
  },
  {
    title: 'Alice writes',
    text: 'Finds or makes the direct chat and sends, in one call. Run it twice: the same `clientMessageId` answers with the first message and status 200 instead of 201, so a retry is always safe.',
    code: [{ label: 'Shell', text: MESSAGE }],
  },
  {
    title: 'Bob listens and answers',
    text: 'Connect, let Alice write again with another `clientMessageId`, and it appears here. Then type frames: each one with an `id` is answered by exactly one `ack` or `error:general` with that `id`.',
    code: [
      { label: 'Shell', text: LISTEN },
      { label: 'Frames to type', text: FRAMES },
    ],
  },
  {
    title: 'Never miss anything',
    text: 'Events that must not be lost carry a `cursor`. Keep the last one you have stored, confirm it with `sync:ack` (this is what makes a message delivered), and give it back when you connect again: everything missed comes first, in order, then `sync:done`, then live events. If the answer says `reset`, catch up with `GET /api/chats` and `GET /api/chats/{chatId}/changes`.',
    code: [{ label: 'First frame of a browser, which cannot set headers', text: LOGIN }],
  },
]

const LEAD =
  'Two people, one chat, and a socket that shows it live. You need `curl` (7.82 or later), `jq` and `npx`; or open the [chat client](/console) in two tabs and watch the same frames in its Frames panel.'

const NEXT = [
  { href: '#rest', title: 'REST', text: 'every call, with a form to try it' },
  { href: '#socket', title: 'Socket', text: 'every frame in both directions' },
  { href: '/openapi.json', title: 'openapi.json', text: 'for code generators' },
  { href: '/asyncapi.json', title: 'asyncapi.json', text: 'the socket, for machines' },
]

export function Start() {
  return html`<article class="prose">
    <h1>A first message</h1>
    <p class="lead">${prose(LEAD)}</p>
    <ol class="steps">
      ${STEPS.map(
        ({ title, text, code }) =>
          html`<li key=${title}>
            <h2>${title}</h2>
            <p>${prose(text)}</p>
            ${code.map((block) => html`<${Code} label=${block.label} text=${block.text} key=${block.label} />`)}
          </li>`,
      )}
    </ol>
    <h2>Where to go on</h2>
    <ul class="cards">
      ${NEXT.map(
        ({ href, title, text }) =>
          html`<li key=${href}>
            <a href=${href}><strong>${title}</strong>${text}</a>
          </li>`,
      )}
    </ul>
  </article>`
}
