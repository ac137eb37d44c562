/** From a request to its verb: limits, sign-in, validation, in that order; and back to an answer. */
import type { Ctx } from '../context.ts'
import { AppError } from '../lib/errors.ts'
import { answerInTime } from '../stores/failures.ts'
import { hitLimit, limitExceeded, type LimitState, type RateLimitGroup } from '../stores/rate-limits.ts'
import type { DeviceActor } from '../wire/actor.ts'
import type { AnyEndpoint, Call, Caller } from '../wire/endpoint.ts'
import { validate } from '../wire/validate.ts'
import { successResponse } from './answer.ts'

export interface EndpointRequest {
  params: Record<string, string>
  query: URLSearchParams
  authorization: string | undefined
  readBody(): Promise<unknown>
  caller: Caller
}

export async function runEndpoint(
  ctx: Ctx,
  endpoint: AnyEndpoint<Ctx>,
  request: EndpointRequest,
): Promise<Response> {
  const limits: LimitState[] = []
  try {
    await countUse(ctx, limits, 'general', request.caller.ip)
    const actor = endpoint.auth ? await ctx.accounts.authenticate(bearer(request.authorization)) : null
    if (endpoint.limit && actor) await countUse(ctx, limits, endpoint.limit, actor.userId)
    const call: Call<unknown, unknown, unknown> = {
      params: endpoint.params ? validate(endpoint.params, request.params) : undefined,
      query: readQuery(endpoint, request.query),
      body: endpoint.body ? validate(endpoint.body, await request.readBody()) : undefined,
      caller: request.caller,
    }
    const outcome = endpoint.auth
      ? endpoint.handle(ctx, actor as DeviceActor, call)
      : endpoint.handle(ctx, call)
    const answer = await (isRepeatable(endpoint) ? answerInTime(outcome) : outcome)
    const response = successResponse(answer, Number(Object.keys(endpoint.success)[0]), request.caller)
    if (endpoint.auth) response.headers.set('cache-control', 'no-store')
    return withLimits(response, limits)
  } catch (err) {
    throw limits.length > 0 ? new Limited(err, limits) : err
  }
}

/** Reads, sends and changes of messages. Anything else (a new group, a spent code) is better late than done twice. */
const isRepeatable = (endpoint: AnyEndpoint<Ctx>) =>
  endpoint.method === 'get' || endpoint.limit === 'messages'

/** An error that happened after limits were counted: its answer carries their headers too. */
export class Limited extends Error {
  readonly limits: LimitState[]

  constructor(cause: unknown, limits: LimitState[]) {
    super('limited', { cause })
    this.limits = limits
  }
}

/** draft-ietf-httpapi-ratelimit-headers: policies and what is left of them, the narrowest group last. */
export function withLimits(response: Response, limits: LimitState[]): Response {
  if (limits.length === 0) return response
  const policies = limits.map(({ group, limit, windowSeconds }) => `"${group}";q=${limit};w=${windowSeconds}`)
  const states = limits.map(
    ({ group, remaining, resetSeconds }) => `"${group}";r=${remaining};t=${resetSeconds}`,
  )
  response.headers.set('ratelimit-policy', policies.join(', '))
  response.headers.set('ratelimit', states.join(', '))
  return response
}

async function countUse(
  ctx: Ctx,
  limits: LimitState[],
  group: RateLimitGroup,
  subject: string,
): Promise<void> {
  if (ctx.config.RATE_LIMITS === 'off') return
  const state = await hitLimit(ctx.redis, group, subject)
  limits.push(state)
  if (state.exceeded) throw limitExceeded(state)
}

function bearer(header: string | undefined): string | null {
  if (header === undefined) return null
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1]
  if (token === undefined)
    throw new AppError('UNAUTHORIZED', 'Sign in first: send "Authorization: Bearer <access token>".')
  return token
}

function readQuery(endpoint: AnyEndpoint<Ctx>, given: URLSearchParams): unknown {
  const query: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of given) {
    if (name in query)
      throw new AppError('VALIDATION_ERROR', `${name.slice(0, 64)}: is given twice`, {
        details: [{ path: name.slice(0, 64), message: 'is given twice' }],
      })
    query[name] = value
  }
  if (endpoint.query) return validate(endpoint.query, { ...query })
  const [unknown] = Object.keys(query)
  if (unknown !== undefined)
    throw new AppError('VALIDATION_ERROR', `${unknown.slice(0, 64)}: is not a known field`, {
      details: [{ path: unknown.slice(0, 64), message: 'is not a known field' }],
    })
  return undefined
}
