/**
 * What one browser tab keeps over a reload, in sessionStorage: a tab is one person on one device.
 * The cursor lies in the same record as the state it belongs to, so a reload can never resume past what was kept.
 */

const TOKENS = 'parley:tokens'
const OUTBOX = 'parley:outbox'
const KEPT = 'parley:kept'
const TAB = 'parley:tab'
const KEPT_MESSAGES_PER_CHAT = 60
const KEPT_CHATS_WITH_MESSAGES = 20

export const readTokens = () => read(TOKENS)
export const writeTokens = (tokens) => write(TOKENS, tokens)

export const readOutbox = () => read(OUTBOX) ?? []
export const writeOutbox = (pending) => write(OUTBOX, pending)

export const readKept = () => read(KEPT)

/** Keeps the newest part of the state with its cursor; true when it is stored. */
export function writeKept({ me, cursor, revisions, chats, users, timelines }) {
  const recent = Object.values(chats)
    .sort((a, b) => (b.lastMessageAt ?? '').localeCompare(a.lastMessageAt ?? ''))
    .slice(0, KEPT_CHATS_WITH_MESSAGES)
  const kept = Object.fromEntries(
    recent
      .filter((chat) => timelines[chat.id] !== undefined)
      .map((chat) => [chat.id, newestPart(timelines[chat.id])]),
  )
  return write(KEPT, { me, cursor, revisions, chats, users, timelines: kept })
}

/** Forgets the person; the next one to sign in here starts clean. */
export function forgetTab() {
  for (const key of [TOKENS, OUTBOX, KEPT]) sessionStorage.removeItem(key)
}

/**
 * A duplicated tab starts with a copy of this storage. Two tabs with one refresh token would end the session for both,
 * because each such token works once; so the copy gives it up.
 */
export async function claimTab() {
  const tabId = read(TAB) ?? randomId()
  write(TAB, tabId)
  if (navigator.locks === undefined) return
  const held = await new Promise((resolve) => {
    const patience = AbortSignal.timeout(1_000)
    navigator.locks
      .request(`parley-tab-${tabId}`, { signal: patience }, () => {
        resolve(true)
        return new Promise(() => {})
      })
      .catch(() => resolve(false))
  })
  if (held) return
  forgetTab()
  write(TAB, randomId())
}

/** An id that nobody else will have. `crypto.randomUUID` exists on secure pages only, and a phone on the LAN has none. */
export function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}

function newestPart(timeline) {
  const seqs = Object.keys(timeline.bySeq)
    .map(Number)
    .sort((a, b) => a - b)
  const cut = seqs.slice(-KEPT_MESSAGES_PER_CHAT)
  return {
    ...timeline,
    bySeq: Object.fromEntries(cut.map((seq) => [seq, timeline.bySeq[seq]])),
    reachedStart: timeline.reachedStart && cut.length === seqs.length,
  }
}

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null')
  } catch {
    return null
  }
}

function write(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value))
    return true
  } catch {
    return false
  }
}
