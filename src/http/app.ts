/** Door one, assembled: every operation of the features, the pages, health, documents, and one way for errors. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import type { Config } from '../config.ts'
import type { Ctx } from '../context.ts'
import { consoleRoutes } from '../console/routes.ts'
import { docsRoutes } from '../docs/routes.ts'
import { endpoints as accountEndpoints } from '../features/accounts/routes.ts'
import { endpoints as blockEndpoints } from '../features/blocks/routes.ts'
import { endpoints as chatEndpoints } from '../features/chats/routes.ts'
import { endpoints as messageEndpoints } from '../features/messages/routes.ts'
import { outboxEndpoints } from '../features/outbox/routes.ts'
import { endpoints as syncEndpoints } from '../features/sync/routes.ts'
import { AppError } from '../lib/errors.ts'
import { toAppError } from '../stores/failures.ts'
import { registry, requestSeconds } from '../stores/metrics.ts'
import type { NodeList } from '../stores/node-list.ts'
import type { AnyEndpoint, Caller } from '../wire/endpoint.ts'
import { originAllowed } from '../wire/origin.ts'
import { errorResponse } from './answer.ts'
import { readJsonBody } from './body.ts'
import { isLoopback, readCaller } from '../wire/caller.ts'
import { readiness, type Probes } from './health.ts'
import { buildOpenApi } from './openapi.ts'
import { Limited, runEndpoint, withLimits } from './run-endpoint.ts'

/** What a node answers whatever its roles are. */
const SERVICE_PATHS = new Set(['/healthz', '/readyz', '/metrics'])

interface Env {
  Bindings: HttpBindings
  Variables: { caller: Caller }
}

export function allEndpoints(config: Config): Array<AnyEndpoint<Ctx>> {
  return [
    // `/users/blocked` before `/users/{userId}`, which would match it too.
    ...blockEndpoints,
    ...accountEndpoints,
    ...chatEndpoints,
    ...messageEndpoints,
    ...syncEndpoints,
    ...outboxEndpoints(config),
  ]
}

interface Options {
  probes: Probes
  nodes: NodeList
  asyncApi: string
}

export function buildApp(ctx: Ctx, options: Options): Hono<Env> {
  const app = new Hono<Env>()
  const endpoints = allEndpoints(ctx.config)
  app.use(async (c, next) => {
    c.set('caller', readCaller(c.env.incoming, ctx.config.TRUSTED_PROXIES))
    const stop = requestSeconds.startTimer({ method: c.req.method })
    await next()
    stop({ status: c.res.status })
    secure(ctx, c)
  })
  if (!ctx.config.ROLES.includes('api'))
    app.use(async (c, next) => {
      if (SERVICE_PATHS.has(c.req.path)) return next()
      const message = 'This node answers no requests: its ROLES are without api.'
      const error = new AppError('SERVICE_UNAVAILABLE', message, { retryAfterSeconds: 1 })
      return errorResponse(error, c.get('caller'))
    })
  app.use('/api/*', (c, next) => cors(ctx, c, next))
  for (const endpoint of endpoints) mount(app, ctx, endpoint)
  mountService(app, ctx, options)
  const openApi = JSON.stringify(buildOpenApi(endpoints))
  app.get('/openapi.json', () => json(openApi))
  app.get('/asyncapi.json', () => json(options.asyncApi))
  app.route('/docs', docsRoutes)
  app.route('/console', consoleRoutes)
  app.get('/', (c) => c.redirect('/docs'))
  for (const page of ['/docs', '/console']) app.get(`${page}/`, (c) => c.redirect(page))

  const methods = methodsByPath(app)
  app.notFound((c) => {
    const allowed = methods(c.req.path)
    const caller = c.get('caller')
    if (allowed.length === 0)
      return errorResponse(
        new AppError('RESOURCE_NOT_FOUND', 'There is nothing at this path; see /docs.'),
        caller,
      )
    const error = new AppError('METHOD_NOT_ALLOWED', `This path takes ${allowed.join(', ')}.`)
    const response = errorResponse(error, caller)
    response.headers.set('allow', allowed.join(', '))
    return response
  })
  app.onError((err, c) => {
    const cause = err instanceof Limited ? err.cause : err
    const error = toAppError(cause)
    const caller = c.get('caller')
    if (error.status >= 500)
      ctx.log.error(
        { err: error.cause ?? error, requestId: caller.requestId, path: c.req.routePath },
        'request failed',
      )
    const response = errorResponse(error, caller)
    return err instanceof Limited ? withLimits(response, err.limits) : response
  })
  return app
}

function mount(app: Hono<Env>, ctx: Ctx, endpoint: AnyEndpoint<Ctx>): void {
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1')
  app.on(endpoint.method.toUpperCase(), path, (c) =>
    runEndpoint(ctx, endpoint, {
      params: c.req.param() as Record<string, string>,
      query: new URL(c.req.url).searchParams,
      authorization: c.req.header('authorization'),
      readBody: () => readJsonBody(c.env.incoming),
      caller: c.get('caller'),
    }),
  )
}

function mountService(app: Hono<Env>, ctx: Ctx, { probes, nodes }: Options): void {
  app.get('/healthz', (c) => c.json({ status: 'alive' }))
  app.get('/readyz', async (c) => {
    const ready = await readiness(probes)
    // Who else there is concerns those only who may read the metrics.
    const body = mayWatch(ctx, c) ? { ...ready, nodes: await nodes.alive() } : ready
    return c.json(body, ready.status === 'unavailable' ? 503 : 200)
  })
  app.get('/.well-known/jwks.json', (c) => c.json(ctx.accounts.tokens.jwks()))
  app.get('/metrics', async (c) => {
    if (!mayWatch(ctx, c)) return c.notFound()
    // Counts them as they are now, and not as they were at the last beat.
    await nodes.alive()
    return c.text(await registry.metrics(), 200, { 'content-type': registry.contentType })
  })
}

function mayWatch(ctx: Ctx, c: Context<Env>): boolean {
  const { METRICS_TOKEN, development } = ctx.config
  if (METRICS_TOKEN === undefined) return development || isLoopback(c.get('caller').ip)
  return c.req.header('authorization') === `Bearer ${METRICS_TOKEN}`
}

function secure(ctx: Ctx, c: Context<Env>): void {
  const { headers } = c.res
  headers.set('x-request-id', c.get('caller').requestId)
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'no-referrer')
  if (!ctx.config.development) headers.set('strict-transport-security', 'max-age=31536000; includeSubDomains')
  if (!headers.has('content-security-policy'))
    headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  if (c.req.path.startsWith('/api/') && !headers.has('cache-control'))
    headers.set('cache-control', 'no-store')
}

async function cors(ctx: Ctx, c: Context<Env>, next: () => Promise<void>): Promise<Response | undefined> {
  const origin = c.req.header('origin')
  if (origin === undefined) {
    await next()
    return undefined
  }
  const allowed = originAllowed(ctx.config, origin, c.req.header('host'))
  const preflight = c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined
  if (preflight) {
    if (!allowed)
      return errorResponse(
        new AppError('PERMISSION_DENIED', 'This origin is not allowed; see ALLOWED_ORIGINS.'),
        c.get('caller'),
      )
    const response = new Response(null, { status: 204 })
    response.headers.set('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE')
    response.headers.set('access-control-allow-headers', 'authorization, content-type, x-request-id')
    response.headers.set('access-control-max-age', '600')
    return allowOrigin(response, origin)
  }
  await next()
  if (allowed) allowOrigin(c.res, origin)
  return undefined
}

function allowOrigin(response: Response, origin: string): Response {
  response.headers.set('access-control-allow-origin', origin)
  response.headers.append('vary', 'Origin')
  response.headers.set(
    'access-control-expose-headers',
    'x-request-id, retry-after, ratelimit, ratelimit-policy',
  )
  return response
}

const json = (body: string) =>
  new Response(body, {
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-cache' },
  })

/** Which methods some path takes: for the 405 of a path that exists. */
function methodsByPath(app: Hono<Env>): (path: string) => string[] {
  const routes = app.routes
    .filter((route) => route.method !== 'ALL')
    .map((route) => ({
      method: route.method,
      pattern: new RegExp(`^${route.path.replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}$`),
    }))
  return (path) => [
    ...new Set(routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)),
  ]
}
