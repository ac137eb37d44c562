/** Signing in by phone: a code is asked for, in development read from the outbox, and turned into a session. */

const LOOKS_MAX = 16
const LOOK_EVERY_MS = 400
const OPEN = { signedIn: false }

export function createSignIn({ api, wait, onSignedIn }) {
  /** Asks for a code: with a name for a new account, without one for a known number. */
  async function requestCode({ phoneNumber, fullName }) {
    const seen = await newestInOutbox(phoneNumber)
    const { data } =
      fullName === undefined
        ? await api.post('/api/auth/otp', { phoneNumber }, OPEN)
        : await api.post('/api/auth/register', { phoneNumber, fullName, timezone: ownTimezone() }, OPEN)
    return { ...data, seen }
  }

  /** The code that development "sent" after the one seen before: a string, 'absent' without an outbox, or null. */
  async function findCode(phoneNumber, seen) {
    if (seen === 'absent') return 'absent'
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      const newest = await newestInOutbox(phoneNumber)
      if (newest === 'absent') return 'absent'
      if (newest !== null && newest.at !== seen?.at) return newest.data.otp
      await wait(LOOK_EVERY_MS)
    }
    return null
  }

  /** Turns the code into a session of this tab. */
  async function verify({ phoneNumber, otp }) {
    const device = { name: 'Browser console', platform: 'web' }
    const { data } = await api.post('/api/auth/verify-otp', { phoneNumber, otp, device }, OPEN)
    api.keepTokens(data.tokens)
    onSignedIn(data.user)
  }

  return { requestCode, findCode, verify }
}

function ownTimezone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

async function newestInOutbox(phoneNumber) {
  try {
    const url = `/dev/outbox?to=${encodeURIComponent(phoneNumber)}`
    const response = await fetch(url, { headers: { accept: 'application/json' } })
    if (!response.ok) return 'absent'
    const { data } = await response.json()
    return data.find((sent) => sent.data?.otp) ?? null
  } catch {
    return 'absent'
  }
}
