/** From nothing to a first message, by hand. */
import { Code } from './code.js'
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

export function Start() {
  return html`<article class="prose">
    <h1>A first message</h1>
    <p class="lead">
      Two people, one chat, and a socket that shows it live. You need <code>curl</code> (7.82 or later),
      <code>jq</code> and <code>npx</code>; or open the <a href="/console">chat client</a> in two tabs and
      watch the same calls in its Frames panel.
    </p>

    <ol class="steps">
      <li>
        <h2>Two people</h2>
        <p>
          Signing in is a phone number and a code. In development nothing is really sent: the code waits in
          <code>/dev/outbox</code>. With a real SMS provider, or in production, that route does not exist.
        </p>
        <${Code} label="Shell" text=${PEOPLE} />
      </li>
      <li>
        <h2>Alice writes</h2>
        <p>
          Finds or makes the direct chat and sends in one call. Run it twice: the same
          <code>clientMessageId</code> answers with the first message and status 200 instead of 201, so a
          retry is always safe.
        </p>
        <${Code} label="Shell" text=${MESSAGE} />
      </li>
      <li>
        <h2>Bob listens and answers</h2>
        <p>Connect, let Alice write again with another <code>clientMessageId</code>, and it appears here.</p>
        <${Code} label="Shell" text=${LISTEN} />
        <p>
          Then type frames. Each one with an <code>id</code> is answered by exactly one <code>ack</code> or
          <code>error:general</code> with that <code>id</code>.
        </p>
        <${Code} label="Frames to type" text=${FRAMES} />
      </li>
      <li>
        <h2>Never miss anything</h2>
        <p>
          Events that must not be lost carry a <code>cursor</code>. Keep the last one you have stored, confirm
          it with <code>sync:ack</code> (this is what makes a message <em>delivered</em>), and give it back
          when you connect again: everything missed comes first, in order, then <code>sync:done</code>, then
          live events. If the answer says <code>reset</code>, catch up with <code>GET /api/chats</code> and
          <code>GET /api/chats/{chatId}/changes</code>.
        </p>
        <${Code} label="First frame of a browser, which cannot set headers" text=${LOGIN} />
      </li>
    </ol>

    <h2>Where to go on</h2>
    <ul class="cards">
      <li>
        <a href="#rest"><strong>REST</strong> every call, with a form to try it</a>
      </li>
      <li>
        <a href="#socket"><strong>Socket</strong> every frame in both directions</a>
      </li>
      <li>
        <a href="/openapi.json"><strong>openapi.json</strong> for code generators</a>
      </li>
      <li>
        <a href="/asyncapi.json"><strong>asyncapi.json</strong> the socket's description</a>
      </li>
    </ul>
  </article>`
}
