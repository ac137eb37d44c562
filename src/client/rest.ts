// The REST half of a client: envelopes in and out, and an access token that is always fresh.
import { ApiError, noAnswer, toApiError } from './api-error.ts'
import type { DeviceInfo, Pagination, SignedIn, Tokens } from './model.ts'

export type ClientOptions = {
  /** A function where there are several nodes: it is asked anew for every request. */
  baseUrl: string | (() => string)
  tokens?: Tokens
  onTokens?: (tokens: Tokens) => void
  timeoutMs?: number
}

export type Query = Record<string, string | number | boolean | undefined>

export type RequestOptions = {
  query?: Query
  body?: unknown
  headers?: Record<string, string>
  /** Sends the request without a token. */
  anonymous?: boolean
}

export type Answer<T> = {
  status: number
  headers: Headers
  data: T
  requestId: string
  pagination: Pagination | null
}

/** Refreshed this long before the end, so that a slow request does not arrive with a dead token. */
const REFRESH_EARLY_MS = 30_000

export class ParleyClient {
  readonly #baseUrl: () => string
  readonly #onTokens: (tokens: Tokens) => void
  readonly #timeoutMs: number
  #tokens: Tokens | null = null
  #expiresAt = 0
  #refreshing: Promise<void> | null = null

  constructor(options: ClientOptions) {
    const { baseUrl } = options
    this.#baseUrl = typeof baseUrl === 'string' ? () => baseUrl : baseUrl
    this.#onTokens = options.onTokens ?? (() => {})
    this.#timeoutMs = options.timeoutMs ?? 15_000
    if (options.tokens !== undefined) this.useTokens(options.tokens)
  }

  get baseUrl(): string {
    return this.#baseUrl()
  }

  get tokens(): Tokens | null {
    return this.#tokens
  }

  useTokens(tokens: Tokens): void {
    this.#tokens = tokens
    this.#expiresAt = Date.now() + tokens.expiresIn * 1000
    this.#onTokens(tokens)
  }

  /** A token that will be good for a while yet; refreshes it first where needed. */
  async accessToken(): Promise<string> {
    if (this.#tokens === null) throw new Error('nobody is signed in on this client')
    if (Date.now() > this.#expiresAt - REFRESH_EARLY_MS) await this.refresh()
    return this.#tokens.accessToken
  }

  /** One refresh at a time: each refresh token works once, and a second use would end the session. */
  async refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshOnce().finally(() => {
      this.#refreshing = null
    })
    await this.#refreshing
  }

  async #refreshOnce(): Promise<void> {
    const body = { refreshToken: this.#tokens?.refreshToken }
    const answer = await this.#exchange<{ tokens: Tokens }>('POST', '/api/auth/refresh', {
      body,
      anonymous: true,
    })
    this.useTokens(answer.data.tokens)
  }

  /** Completes a sign-in by code and keeps the tokens. */
  async verifyOtp(phoneNumber: string, otp: string, device: DeviceInfo): Promise<SignedIn> {
    const body = { phoneNumber, otp, device }
    const { data } = await this.#exchange<SignedIn>('POST', '/api/auth/verify-otp', { body, anonymous: true })
    this.useTokens(data.tokens)
    return data
  }

  /** The whole answer: status, headers, pagination. */
  async request<T>(method: string, path: string, options: RequestOptions = {}): Promise<Answer<T>> {
    try {
      return await this.#exchange<T>(method, path, options)
    } catch (err) {
      const expired = err instanceof ApiError && err.code === 'TOKEN_EXPIRED' && options.anonymous !== true
      if (!expired) throw err
      await this.refresh()
      return await this.#exchange<T>(method, path, options)
    }
  }

  async get<T>(path: string, query: Query = {}): Promise<T> {
    return (await this.request<T>('GET', path, { query })).data
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return (await this.request<T>('POST', path, { body })).data
  }

  async put<T>(path: string, body?: unknown): Promise<T> {
    return (await this.request<T>('PUT', path, { body })).data
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return (await this.request<T>('PATCH', path, { body })).data
  }

  async delete<T>(path: string, query: Query = {}): Promise<T> {
    return (await this.request<T>('DELETE', path, { query })).data
  }

  /** Every item of a list, page after page. */
  async all<T>(path: string, query: Query = {}): Promise<T[]> {
    const items: T[] = []
    let cursor: string | undefined
    for (;;) {
      const page = await this.request<T[]>('GET', path, { query: { ...query, cursor } })
      items.push(...page.data)
      if (page.pagination === null || !page.pagination.hasMore) return items
      cursor = page.pagination.nextCursor ?? undefined
    }
  }

  async #exchange<T>(method: string, path: string, options: RequestOptions): Promise<Answer<T>> {
    const url = new URL(path, this.#baseUrl())
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    const headers: Record<string, string> = { ...options.headers }
    if (options.anonymous !== true && this.#tokens !== null) {
      headers['authorization'] = `Bearer ${await this.accessToken()}`
    }
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(this.#timeoutMs) }
    if (options.body !== undefined) {
      headers['content-type'] ??= 'application/json'
      init.body = JSON.stringify(options.body)
    }
    let response: Response
    let text: string
    try {
      response = await fetch(url, init)
      text = await response.text()
    } catch (err) {
      throw noAnswer(err)
    }
    if (!response.ok) throw toApiError(response.status, text, response.headers.get('retry-after'))
    return toAnswer<T>(response, text)
  }
}

function toAnswer<T>(response: Response, text: string): Answer<T> {
  const body = (text === '' ? {} : JSON.parse(text)) as {
    data?: T
    meta?: { requestId: string; pagination?: Pagination }
  }
  return {
    status: response.status,
    headers: response.headers,
    data: body.data as T,
    requestId: body.meta?.requestId ?? response.headers.get('x-request-id') ?? '',
    pagination: body.meta?.pagination ?? null,
  }
}
