/** The one error class of the service, its closed set of codes, and how each code looks from outside (API.md §1). */

export const ERROR_STATUS = {
  VALIDATION_ERROR: 400,
  INVALID_INPUT: 400,
  MISSING_REQUIRED_FIELD: 400,
  UNAUTHORIZED: 401,
  INVALID_TOKEN: 401,
  TOKEN_EXPIRED: 401,
  INVALID_CREDENTIALS: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  RESOURCE_ALREADY_EXISTS: 409,
  CONFLICT: 409,
  FILE_TOO_LARGE: 413,
  PAYLOAD_TOO_LARGE: 413,
  INVALID_FILE_TYPE: 415,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UPLOAD_FAILED: 422,
  PROCESSING_FAILED: 422,
  RATE_LIMIT_EXCEEDED: 429,
  INTERNAL_SERVER_ERROR: 500,
  MESSAGE_DELIVERY_FAILED: 503,
  DATABASE_ERROR: 503,
  SERVICE_UNAVAILABLE: 503,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

export interface ErrorDetail {
  path: string
  message: string
}

export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly details: ErrorDetail[] | null
  readonly retryAfterSeconds: number | null

  /** `publicText` is a sentence for the client's developer; the cause goes to the log only. */
  constructor(
    code: ErrorCode,
    publicText: string,
    extra: { details?: ErrorDetail[]; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(publicText, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.code = code
    this.details = extra.details ?? null
    this.retryAfterSeconds = extra.retryAfterSeconds ?? null
  }

  get status(): number {
    return ERROR_STATUS[this.code]
  }

  /** True where the same request may succeed later without a change by the client. */
  get retryable(): boolean {
    return this.status === 503 || this.status === 429
  }
}

/** Same answer for what does not exist and for what the caller may not see. */
export const notFound = (what: string) => new AppError('RESOURCE_NOT_FOUND', `There is no such ${what}.`)

/** A field the client can correct; `path` names it. */
export const invalid = (path: string, message: string) =>
  new AppError('VALIDATION_ERROR', `${path}: ${message}`, { details: [{ path, message }] })

export const denied = (text: string, details?: ErrorDetail[]) =>
  new AppError('PERMISSION_DENIED', text, details ? { details } : {})

export const unavailable = (text: string, cause?: unknown) =>
  new AppError('SERVICE_UNAVAILABLE', text, { retryAfterSeconds: 1, cause })
