/** Messages on their way: shown at once, sent in order, and sent again with the same id until the server answers. */
import { randomId, writeOutbox } from './tab.js'

const TRIES_MAX = 6
const RETRY_MS = 1_500
const CONTENT_MAX = 4_096

export function createOutbox({ store, socket, wait }) {
  const busy = new Set()

  /** Shows a text at once and sends it as soon as the connection allows. */
  function send(chatId, text, replyTo) {
    const characters = [...text]
    for (let start = 0; start < characters.length; start += CONTENT_MAX) {
      const entry = {
        clientMessageId: randomId(),
        chatId,
        content: characters.slice(start, start + CONTENT_MAX).join(''),
        replyTo: start === 0 ? (replyTo ?? null) : null,
        createdAt: new Date().toISOString(),
        state: 'waiting',
        error: null,
      }
      store.dispatch({ type: 'queued', entry })
    }
    void pump(chatId)
  }

  /** Tries a refused message again, under the same id: the server keeps one message however often it is sent. */
  function retry(clientMessageId) {
    const entry = store.state.pending.find((one) => one.clientMessageId === clientMessageId)
    if (entry === undefined) return
    store.dispatch({ type: 'pendingChanged', clientMessageId, change: { state: 'waiting', error: null } })
    void pump(entry.chatId)
  }

  const discard = (clientMessageId) => store.dispatch({ type: 'dropped', clientMessageId })

  /** Called whenever the connection is back. */
  function pumpAll() {
    for (const chatId of new Set(store.state.pending.map((entry) => entry.chatId))) void pump(chatId)
  }

  // One message of a chat is in flight at a time, so a refusal can never let a later one overtake it.
  async function pump(chatId) {
    if (busy.has(chatId)) return
    busy.add(chatId)
    try {
      for (let tries = 1; store.state.phase.name === 'online';) {
        const entry = store.state.pending.find((one) => one.chatId === chatId && one.state === 'waiting')
        if (entry === undefined) return
        const verdict = await attempt(entry)
        if (verdict === 'lost') return
        tries = verdict === 'again' ? tries + 1 : 1
        if (tries > TRIES_MAX) fail(entry, 'The server is too busy to take this message. Please try again.')
        else if (verdict === 'again') await wait(RETRY_MS * tries)
      }
    } finally {
      busy.delete(chatId)
    }
  }

  async function attempt({ chatId, clientMessageId, content, replyTo }) {
    const body = { chatId, clientMessageId, type: 'text', content }
    try {
      const answer = await socket().request(
        'message:send',
        replyTo === null ? body : { ...body, replyToId: replyTo.id },
      )
      const { duplicate: _repeated, ...message } = answer
      store.dispatch({ type: 'message', message })
      store.dispatch({ type: 'dropped', clientMessageId })
      return 'sent'
    } catch (error) {
      if (error.code === 'UNREACHABLE') return 'lost'
      if (error.retryable) return 'again'
      fail({ clientMessageId }, error.message)
      return 'refused'
    }
  }

  function fail({ clientMessageId }, sentence) {
    store.dispatch({ type: 'pendingChanged', clientMessageId, change: { state: 'failed', error: sentence } })
  }

  let kept = store.state.pending
  store.subscribe(({ pending }) => {
    if (pending === kept) return
    kept = pending
    writeOutbox(pending)
  })

  return { send, retry, discard, pumpAll }
}
