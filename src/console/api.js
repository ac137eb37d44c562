/** The REST half of the public API: the envelope, errors as sentences, and one token refresh at a time. */
import { readTokens, writeTokens } from './tab.js'

const REFRESH_EARLY_MS = 30_000
const TIMEOUT_MS = 20_000

export class ApiError extends Error {
  constructor({ code, message, details = null, status = 0, retryable = false, retryAfterMs = 0 }) {
    super(message)
    Object.assign(this, { code, details, status, retryable, retryAfterMs })
  }
}

/** `onSessionEnd(sentence)` is called when the refresh token is no longer good. */
export function createApi({ onSessionEnd }) {
  let refreshing = null

  // A refresh token works once: every caller waits for the same refresh instead of starting a second one.
  function refresh() {
    refreshing ??= (async () => {
      try {
        const tokens = readTokens()
        if (tokens === null)
          throw new ApiError({ code: 'UNAUTHORIZED', message: 'Please sign in.', status: 401 })
        const { data } = await request('POST', '/api/auth/refresh', {
          body: { refreshToken: tokens.refreshToken },
          signedIn: false,
        })
        keepTokens(data.tokens)
      } catch (error) {
        if (error.status === 401) onSessionEnd('You were signed out. Please sign in again.')
        throw error
      } finally {
        refreshing = null
      }
    })()
    return refreshing
  }

  /** An access token that is good for some time still. */
  async function accessToken({ fresh = false } = {}) {
    const tokens = readTokens()
    if (fresh || tokens === null || tokens.expiresAt - Date.now() < REFRESH_EARLY_MS) await refresh()
    return readTokens().accessToken
  }

  async function request(method, path, { body, signedIn = true, query } = {}) {
    const url = new URL(path, location.origin)
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined && value !== null) url.searchParams.set(name, value)
    }
    const headers = { accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (signedIn) headers.authorization = `Bearer ${await accessToken()}`
    let response
    try {
      response = await fetch(url, {
        method,
        headers,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch {
      throw new ApiError({
        code: 'UNREACHABLE',
        message: 'The server cannot be reached right now.',
        retryable: true,
      })
    }
    return readAnswer(response)
  }

  async function call(method, path, options = {}) {
    try {
      return await request(method, path, options)
    } catch (error) {
      const stale = error.code === 'TOKEN_EXPIRED' || error.code === 'INVALID_TOKEN'
      if (!stale || options.signedIn === false) throw error
      await refresh()
      return request(method, path, options)
    }
  }

  return {
    keepTokens,
    accessToken,
    get: (path, query) => call('GET', path, { query }),
    post: (path, body, options = {}) => call('POST', path, { ...options, body }),
  }
}

function keepTokens(tokens) {
  writeTokens({ ...tokens, expiresAt: Date.now() + tokens.expiresIn * 1_000 })
}

async function readAnswer(response) {
  if (response.status === 204) return { data: null, meta: {}, status: 204 }
  const answer = await response.json().catch(() => null)
  if (answer?.success === true) return { data: answer.data, meta: answer.meta, status: response.status }
  const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1_000
  throw new ApiError({
    code: answer?.error?.code ?? 'UNEXPECTED_ANSWER',
    message: answer?.error?.message ?? `The server answered with status ${response.status}.`,
    details: answer?.error?.details ?? null,
    status: response.status,
    retryable: response.status === 503 || response.status === 429,
    retryAfterMs,
  })
}
