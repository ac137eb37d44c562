import type { ErrorBody } from './model.ts'

/** A refusal of the server, or (status 0, code `NETWORK`) no answer at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly details: ErrorBody['details']
  readonly requestId: string
  readonly retryable: boolean
  readonly retryAfterMs: number | null

  constructor(status: number, body: ErrorBody, retryAfterMs: number | null = null) {
    super(`${body.code}: ${body.message}`)
    this.status = status
    this.code = body.code
    this.details = body.details
    this.requestId = body.requestId
    this.retryable = body.retryable ?? (status === 0 || status === 429 || status === 503)
    this.retryAfterMs = retryAfterMs
  }
}

/** Whether the request was made can not be known, so only what is idempotent may be repeated. */
export function noAnswer(cause: unknown): ApiError {
  const message = cause instanceof Error ? cause.message : String(cause)
  const error = new ApiError(0, { code: 'NETWORK', message, details: null, requestId: '' })
  error.cause = cause
  return error
}

/** Reads an error envelope; what is no envelope (a proxy's page) becomes a plain code by status. */
export function toApiError(status: number, text: string, retryAfter: string | null): ApiError {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter)
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null
  try {
    const body = JSON.parse(text) as { error?: ErrorBody }
    if (body.error !== undefined) return new ApiError(status, body.error, retryAfterMs)
  } catch {
    // Falls through: the body is not ours, the status still is.
  }
  const body = { code: `HTTP_${status}`, message: text.slice(0, 200), details: null, requestId: '' }
  return new ApiError(status, body, retryAfterMs)
}
