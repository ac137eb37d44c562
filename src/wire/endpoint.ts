/** What an HTTP operation is: its schemas validate, its texts document, its handler calls one verb. */
import type { z } from 'zod'
import type { ErrorCode } from '../lib/errors.ts'
import type { DeviceActor } from './actor.ts'

export interface Pagination {
  limit: number
  nextCursor: string | null
  hasMore: boolean
}

/** What a handler gives back; the door adds the envelope. `data: undefined` is for 204. */
export interface Answer<D> {
  status?: 200 | 201 | 202 | 204
  data: D
  pagination?: Pagination
}

export interface Caller {
  ip: string
  userAgent: string | null
  requestId: string
}

export interface Call<P, Q, B> {
  params: P
  query: Q
  body: B
  caller: Caller
}

interface Described<P, Q, B, D> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** In OpenAPI's form: `/api/chats/{chatId}`. */
  path: string
  tag: string
  summary: string
  description?: string
  params?: z.ZodType<P>
  query?: z.ZodType<Q>
  body?: z.ZodType<B>
  bodyExample?: unknown
  /** Statuses of success with their sentence; the first is the usual one. */
  success: Partial<Record<200 | 201 | 202 | 204, string>>
  data?: z.ZodType<D>
  dataExample?: unknown
  paginated?: boolean
  errors?: ErrorCode[]
  /** Group of stores/rate-limits.ts that counts this call besides `general`. */
  limit?: 'messages' | 'uploads'
}

export interface SignedInEndpoint<C, P, Q, B, D> extends Described<P, Q, B, D> {
  auth: true
  handle(ctx: C, actor: DeviceActor, call: Call<P, Q, B>): Promise<Answer<D>>
}

export interface OpenEndpoint<C, P, Q, B, D> extends Described<P, Q, B, D> {
  auth: false
  handle(ctx: C, call: Call<P, Q, B>): Promise<Answer<D>>
}

/** An endpoint with its types forgotten: what the door and the documents work on. */
export type AnyEndpoint<C> =
  | SignedInEndpoint<C, unknown, unknown, unknown, unknown>
  | OpenEndpoint<C, unknown, unknown, unknown, unknown>

/** `endpoint(…)` for a given context type: checks the handler against the schemas, then forgets them. */
export function endpointFor<C>() {
  return <P = unknown, Q = unknown, B = unknown, D = unknown>(
    spec: SignedInEndpoint<C, P, Q, B, D> | OpenEndpoint<C, P, Q, B, D>,
  ): AnyEndpoint<C> => spec
}

export const ok = <D>(data: D): Answer<D> => ({ data })
export const created = <D>(data: D): Answer<D> => ({ status: 201, data })
export const accepted = <D>(data: D): Answer<D> => ({ status: 202, data })
export const noContent = (): Answer<undefined> => ({ status: 204, data: undefined })
