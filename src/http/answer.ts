/** The envelope of every answer (API.md §1). */
import type { AppError } from '../lib/errors.ts'
import { toJson } from '../wire/encoded.ts'
import type { Answer, Caller } from '../wire/endpoint.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

export function successResponse(answer: Answer<unknown>, usual: number, caller: Caller): Response {
  const status = answer.status ?? usual
  if (status === 204) return new Response(null, { status })
  const meta = {
    timestamp: new Date().toISOString(),
    requestId: caller.requestId,
    ...(answer.pagination ? { pagination: answer.pagination } : {}),
  }
  return new Response(`{"success":true,"data":${toJson(answer.data)},"meta":${JSON.stringify(meta)}}`, {
    status,
    headers: { 'content-type': JSON_TYPE },
  })
}

export function errorResponse(error: AppError, caller: Caller): Response {
  const body = {
    success: false,
    error: {
      code: error.code,
      message: error.message,
      details: error.details,
      timestamp: new Date().toISOString(),
      requestId: caller.requestId,
    },
  }
  const headers = new Headers({ 'content-type': JSON_TYPE })
  const retry = error.retryAfterSeconds ?? (error.retryable ? 1 : null)
  if (retry !== null) headers.set('retry-after', String(retry))
  return new Response(JSON.stringify(body), { status: error.status, headers })
}
