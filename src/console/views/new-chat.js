/** Starting a chat with one person, or a group with several. */
import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js'
import { otherMember } from '../words.js'
import { showChat } from './address.js'
import { Icon } from './icons.js'
import { Avatar, Dialog } from './pieces.js'

const SEARCH_AFTER_MS = 250

export function NewChat({ app, state, onClose }) {
  const [isGroup, setIsGroup] = useState(false)
  const [chosen, setChosen] = useState([])
  const [name, setName] = useState('')
  const [problem, setProblem] = useState(null)
  const [busy, setBusy] = useState(false)

  async function start(body) {
    setBusy(true)
    setProblem(null)
    try {
      showChat(await app.startChat(body))
      onClose()
    } catch (error) {
      setProblem(error.message)
    } finally {
      setBusy(false)
    }
  }

  const onPick = (user) => {
    app.store.dispatch({ type: 'users', users: [user] })
    if (!isGroup) {
      void start({ type: 'direct', participantIds: [user.id] })
      return
    }
    setChosen(
      chosen.some(({ id }) => id === user.id) ? chosen.filter(({ id }) => id !== user.id) : [...chosen, user],
    )
  }
  const createGroup = (event) => {
    event.preventDefault()
    void start({ type: 'group', name: name.trim(), participantIds: chosen.map(({ id }) => id) })
  }

  return html`<${Dialog} title=${isGroup ? 'New group' : 'New chat'} onClose=${onClose}>
    <div class="segments" role="group" aria-label="Kind of chat">
      <button type="button" aria-pressed=${!isGroup} onClick=${() => setIsGroup(false)}>One person</button>
      <button type="button" aria-pressed=${isGroup} onClick=${() => setIsGroup(true)}>Group</button>
    </div>
    ${
      isGroup &&
      html`<form id="group-form" class="stack" onSubmit=${createGroup}>
        <label class="field">
          <span>Group name</span>
          <input
            name="group"
            required
            maxlength="100"
            value=${name}
            onInput=${(event) => setName(event.target.value)}
          />
        </label>
        <div class="chips" aria-label="People in the group">
          ${chosen.map(
            (user) =>
              html`<button type="button" class="chip" key=${user.id} onClick=${() => onPick(user)}>
                ${user.fullName ?? user.username} <${Icon} name="close" />
              </button>`,
          )}
        </div>
      </form>`
    }
    <${FindPerson} app=${app} state=${state} chosen=${isGroup ? chosen : []} onPick=${onPick} />
    ${problem !== null && html`<p class="problem" role="alert">${problem}</p>`}
    ${
      isGroup &&
      html`<button type="submit" form="group-form" class="button wide" disabled=${busy || name.trim() === ''}>
        Create group${chosen.length > 0 ? ` of ${chosen.length + 1}` : ''}
      </button>`
    }
  <//>`
}

function FindPerson({ app, state, chosen, onPick }) {
  const [query, setQuery] = useState('')
  const [found, setFound] = useState({ state: 'idle', users: [] })
  const input = useRef(null)
  useEffect(() => input.current.focus(), [])
  useEffect(() => {
    const wanted = searchable(query)
    if (wanted === null) {
      setFound({ state: 'idle', users: [] })
      return undefined
    }
    let stale = false
    const timer = setTimeout(async () => {
      try {
        const users = await app.findPeople(wanted)
        if (!stale) setFound({ state: users.length === 0 ? 'none' : 'some', users })
      } catch (error) {
        if (!stale) setFound({ state: 'failed', users: [], sentence: error.message })
      }
    }, SEARCH_AFTER_MS)
    return () => {
      stale = true
      clearTimeout(timer)
    }
  }, [query])

  const known = found.state === 'idle' ? peopleOfChats(state) : found.users
  return html`<div class="find">
    <label class="search">
      <${Icon} name="search" />
      <input
        ref=${input}
        type="search"
        name="person"
        placeholder="Phone number or username"
        aria-label="Phone number or username"
        value=${query}
        onInput=${(event) => setQuery(event.target.value)}
      />
    </label>
    <div class="found" aria-live="polite">
      ${known.map(
        (user) =>
          html`<button type="button" class="person" key=${user.id} onClick=${() => onPick(user)}>
            <${Avatar}
              id=${user.id}
              name=${user.fullName ?? user.username ?? ''}
              online=${user.isOnline === true}
            />
            <span>
              <strong>${user.fullName ?? user.username}</strong>
              <small>${user.username === null ? (user.bio ?? '') : `@${user.username}`}</small>
            </span>
            ${chosen.some(({ id }) => id === user.id) && html`<${Icon} name="check" />`}
          </button>`,
      )}
      ${found.state === 'none' && html`<p class="note">Nobody here has that number or name.</p>`}
      ${found.state === 'failed' && html`<p class="problem" role="alert">${found.sentence}</p>`}
      ${
        found.state === 'idle' &&
        html`<p class="note">
          A whole phone number (+1 202 555 0143), or the first three letters of a username.
        </p>`
      }
    </div>
  </div>`
}

function peopleOfChats(state) {
  const ids = Object.values(state.chats).map((chat) => otherMember(chat, state.me.id))
  return ids.filter((id) => id !== null && id !== state.me.id && state.users[id]).map((id) => state.users[id])
}

// Typing a number in groups is natural; the server wants it whole and bare.
function searchable(query) {
  const text = query.trim()
  if (/^[+\d][\d\s().-]*$/u.test(text)) {
    const digits = text.replaceAll(/[^\d+]/gu, '')
    return digits.length >= 8 ? digits : null
  }
  return text.replace(/^@/u, '').length >= 3 ? text.replace(/^@/u, '') : null
}
