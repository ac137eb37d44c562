/** Signing in: number and name, then the code. */
import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js'
import { useCountdown } from './pieces.js'

export function SignIn({ app, notice }) {
  const [asked, setAsked] = useState(null)
  return html`<main class="sign-in">
    <div class="sign-in-card">
      <img class="sign-in-mark" src="/console/icon.svg" alt="" width="56" height="56" />
      <h1>Parley</h1>
      ${
        asked === null
          ? html`<${AskForCode} app=${app} notice=${notice} onAsked=${setAsked} />`
          : html`<${EnterCode}
              key=${asked.at}
              app=${app}
              asked=${asked}
              onAsked=${setAsked}
              onBack=${() => setAsked(null)}
            />`
      }
    </div>
  </main>`
}

function AskForCode({ app, notice, onAsked }) {
  const [isNew, setIsNew] = useState(true)
  const [phone, setPhone] = useState('')
  const [fullName, setFullName] = useState('')
  const { busy, error, run } = useTask()

  const submit = (event) => {
    event.preventDefault()
    void run(async () => {
      const request = { phoneNumber: toE164(phone), ...(isNew ? { fullName: fullName.trim() } : {}) }
      onAsked({ ...request, ...(await app.signIn.requestCode(request)), at: Date.now() })
    })
  }

  return html`<form onSubmit=${submit} class="stack">
    <p class="lead">${notice ?? 'Talk from this tab. Open a second one to be someone else.'}</p>
    <div class="segments" role="group" aria-label="Account">
      <button type="button" aria-pressed=${isNew} onClick=${() => setIsNew(true)}>I’m new</button>
      <button type="button" aria-pressed=${!isNew} onClick=${() => setIsNew(false)}>I have an account</button>
    </div>
    <label class="field">
      <span>Phone number</span>
      <input
        name="phone"
        type="tel"
        autocomplete="tel"
        placeholder="+1 202 555 0143"
        required
        autofocus
        value=${phone}
        onInput=${(event) => setPhone(event.target.value)}
      />
    </label>
    ${
      isNew &&
      html`<label class="field">
        <span>Your name</span>
        <input
          name="name"
          autocomplete="name"
          placeholder="Ada Lovelace"
          required
          maxlength="100"
          value=${fullName}
          onInput=${(event) => setFullName(event.target.value)}
        />
      </label>`
    }
    <${Problem} error=${error} />
    <button type="submit" class="button wide" disabled=${busy}>
      ${busy ? 'One moment…' : 'Send me a code'}
    </button>
  </form>`
}

function EnterCode({ app, asked, onAsked, onBack }) {
  const [code, setCode] = useState('')
  const [outbox, setOutbox] = useState('looking')
  const { busy, error, run } = useTask()
  const input = useRef(null)
  const wait = useCountdown(asked.at + (asked.resendAfter ?? 0) * 1_000)

  const verify = (otp) => run(() => app.signIn.verify({ phoneNumber: asked.phoneNumber, otp }))

  useEffect(() => {
    input.current.focus()
    let left = false
    const fillIn = async () => {
      const found = await app.signIn.findCode(asked.phoneNumber, asked.seen)
      if (left) return
      setOutbox(found === null ? 'empty' : found === 'absent' ? 'absent' : 'found')
      if (found !== null && found !== 'absent') setCode(found)
    }
    void fillIn()
    return () => {
      left = true
    }
  }, [])

  const submit = (event) => {
    event.preventDefault()
    void verify(code)
  }
  const again = () =>
    run(async () => onAsked({ ...asked, ...(await app.signIn.requestCode(asked)), at: Date.now() }))

  return html`<form onSubmit=${submit} class="stack">
    <p class="lead">Enter the six digits sent to <strong>${asked.phoneNumber}</strong>.</p>
    <label class="field">
      <span>Code</span>
      <input
        ref=${input}
        class="code"
        name="code"
        inputmode="numeric"
        autocomplete="one-time-code"
        pattern="[0-9]{6}"
        maxlength="6"
        placeholder="••••••"
        required
        value=${code}
        onInput=${(event) => setCode(event.target.value.replaceAll(/\D/gu, ''))}
      />
    </label>
    <${OutboxNote} outbox=${outbox} />
    <${Problem} error=${error} />
    <button type="submit" class="button wide" disabled=${busy || code.length !== 6}>
      ${busy ? 'One moment…' : 'Sign in'}
    </button>
    <div class="row">
      <button type="button" class="link" onClick=${onBack}>Another number</button>
      <button type="button" class="link" disabled=${busy || wait > 0} onClick=${again}>
        ${wait > 0 ? `New code in ${wait} s` : 'Send a new code'}
      </button>
    </div>
  </form>`
}

function OutboxNote({ outbox }) {
  const words = {
    looking: 'Looking for the code in the development outbox…',
    found: 'Filled in from the development outbox. With a real SMS provider you would read it on your phone.',
    empty: 'Nothing was sent to this number. If it has no account yet, go back and choose “I’m new”.',
  }[outbox]
  return words === undefined
    ? null
    : html`<p class="note ${outbox === 'found' ? 'good' : ''}" role="status">${words}</p>`
}

function Problem({ error }) {
  return error === null ? null : html`<p class="problem" role="alert">${error.message}</p>`
}

/** One task at a time, with its error. */
function useTask() {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState(null)
  async function run(task) {
    setBusy(true)
    setError(null)
    try {
      await task()
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, run }
}

function toE164(text) {
  const digits = text.replaceAll(/[^\d+]/gu, '')
  return digits.startsWith('00') ? `+${digits.slice(2)}` : digits
}
