/** OpenAPI 3.1, generated from the schemas that validate. Built once at start. */
import type { z } from 'zod'
import type { Ctx } from '../context.ts'
import { ERROR_STATUS, type ErrorCode } from '../lib/errors.ts'
import { VERSION } from '../lib/version.ts'
import type { AnyEndpoint } from '../wire/endpoint.ts'
import { JsonSchemas } from '../wire/json-schemas.ts'

const EXAMPLE_META = {
  timestamp: '2026-11-20T08:16:02.004Z',
  requestId: '5c1c3f0e-6a52-4d5f-9d4b-1f2a3b4c5d6e',
}
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  VALIDATION_ERROR: 'content: must have 1 to 4096 characters',
  MISSING_REQUIRED_FIELD: 'clientMessageId: is required',
  INVALID_INPUT: 'cursor: this is not a cursor of yours.',
  UNAUTHORIZED: 'Sign in first: send "Authorization: Bearer <access token>".',
  INVALID_TOKEN: 'This session has ended. Sign in again.',
  TOKEN_EXPIRED: 'The access token has expired. Refresh it.',
  RESOURCE_NOT_FOUND: 'There is no such chat.',
  CONFLICT: 'clientMessageId: another message was sent under this id.',
  RATE_LIMIT_EXCEEDED: 'At most 100 in 60 s; try again in 12 s.',
  SERVICE_UNAVAILABLE: 'A database does not answer right now; try again.',
}

export function buildOpenApi(endpoints: Array<AnyEndpoint<Ctx>>): unknown {
  const schemas = new JsonSchemas('#/components/schemas/')
  const paths: Record<string, Record<string, unknown>> = {}
  for (const endpoint of endpoints) {
    paths[endpoint.path] ??= {}
    const item = paths[endpoint.path]
    if (item) item[endpoint.method] = operation(endpoint, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: VERSION,
      description:
        'Messaging backend. Every answer has the envelope `{success, data, meta}` or `{success: false, error}`; the socket at `/ws` is described by `/asyncapi.json`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(endpoints.map((endpoint) => endpoint.tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { ...schemas.components, Error: errorSchema, Pagination: paginationSchema },
      headers,
    },
  }
}

function operation(endpoint: AnyEndpoint<Ctx>, schemas: JsonSchemas): unknown {
  return {
    operationId: operationId(endpoint),
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(endpoint.description ? { description: endpoint.description } : {}),
    security: endpoint.auth ? [{ bearer: [] }] : [],
    parameters: [
      ...parameters(endpoint.params, 'path', schemas),
      ...parameters(endpoint.query, 'query', schemas),
    ],
    ...(endpoint.body
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: schemas.of(endpoint.body, 'input'),
                example: endpoint.bodyExample,
              },
            },
          },
        }
      : {}),
    responses: { ...successes(endpoint, schemas), ...failures(endpoint, schemas) },
  }
}

function operationId({ method, path }: AnyEndpoint<Ctx>): string {
  const words = path
    .split('/')
    .filter((part) => part !== '' && part !== 'api')
    .map((part) =>
      part.replaceAll(/[{}]/g, '').replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()),
    )
  return method + words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('')
}

function parameters(
  schema: z.ZodType | undefined,
  where: 'path' | 'query',
  schemas: JsonSchemas,
): Array<{ name: string; required: boolean }> {
  if (!schema) return []
  const { properties = {}, required = [] } = schemas.of(schema, 'input') as {
    properties?: Record<string, Record<string, unknown>>
    required?: string[]
  }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
    ...(Array.isArray(property['examples']) ? { example: property['examples'][0] as unknown } : {}),
  }))
}

function successes(endpoint: AnyEndpoint<Ctx>, schemas: JsonSchemas): Record<string, unknown> {
  const pagination = { limit: 50, nextCursor: null, hasMore: false }
  const entries = Object.entries(endpoint.success).map(([status, description]) => {
    const answer = { description, headers: headersOf(Number(status)) }
    if (status === '204' || !endpoint.data) return [status, answer]
    const schema = {
      type: 'object',
      required: ['success', 'data', 'meta'],
      properties: {
        success: { const: true },
        data: schemas.of(endpoint.data, 'output'),
        meta: metaSchema(endpoint.paginated === true),
      },
    }
    const example = {
      success: true,
      data: endpoint.dataExample,
      meta: { ...EXAMPLE_META, ...(endpoint.paginated ? { pagination } : {}) },
    }
    return [status, { ...answer, content: { 'application/json': { schema, example } } }]
  })
  return Object.fromEntries(entries) as Record<string, unknown>
}

/** The errors that the door itself may answer, and those that the operation names. */
function failures(endpoint: AnyEndpoint<Ctx>, schemas: JsonSchemas): Record<string, unknown> {
  const codes = new Set<ErrorCode>(['VALIDATION_ERROR', 'RATE_LIMIT_EXCEEDED', 'SERVICE_UNAVAILABLE'])
  if (parameters(endpoint.query, 'query', schemas).some((parameter) => parameter.required))
    codes.add('MISSING_REQUIRED_FIELD')
  if (endpoint.body)
    for (const code of [
      'MISSING_REQUIRED_FIELD',
      'INVALID_INPUT',
      'PAYLOAD_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
    ] as const)
      codes.add(code)
  if (endpoint.auth)
    for (const code of ['UNAUTHORIZED', 'INVALID_TOKEN', 'TOKEN_EXPIRED'] as const) codes.add(code)
  for (const code of endpoint.errors ?? []) codes.add(code)
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codes)
    byStatus.set(ERROR_STATUS[code], [...(byStatus.get(ERROR_STATUS[code]) ?? []), code])
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\``).join(', '),
        headers: headersOf(status),
        content: {
          'application/json': {
            schema: {
              allOf: [{ $ref: '#/components/schemas/Error' }],
              properties: { error: { properties: { code: { enum: group } } } },
            },
            examples: Object.fromEntries(group.map((code) => [code, { value: errorExample(code) }])),
          },
        },
      },
    ]),
  )
}

/** What `headersOf` refers to. */
const headers = {
  RequestId: {
    description: 'the `requestId` of the answer; a well-formed one of the request is kept',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,64}$' },
  },
  RetryAfter: {
    description: 'seconds after which the same request may succeed',
    required: true,
    schema: { type: 'integer', minimum: 0 },
  },
  RateLimitPolicy: {
    description: 'the limits that count this call, the narrowest last; absent with `RATE_LIMITS=off`',
    schema: { type: 'string', examples: ['"general";q=1000;w=900'] },
  },
  RateLimit: {
    description: 'what is left of each limit, and for how many seconds',
    schema: { type: 'string', examples: ['"general";r=998;t=840'] },
  },
}

const headersOf = (status: number) => ({
  'X-Request-Id': { $ref: '#/components/headers/RequestId' },
  'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
  RateLimit: { $ref: '#/components/headers/RateLimit' },
  ...(status === 429 || status === 503 ? { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } : {}),
})

const errorExample = (code: ErrorCode) => ({
  success: false,
  error: {
    code,
    message: SENTENCES[code] ?? 'The sentence says what to do about it.',
    details: null,
    ...EXAMPLE_META,
  },
})

const metaSchema = (paginated: boolean) => ({
  type: 'object',
  required: ['timestamp', 'requestId', ...(paginated ? ['pagination'] : [])],
  properties: {
    timestamp: { type: 'string', format: 'date-time' },
    requestId: { type: 'string' },
    ...(paginated ? { pagination: { $ref: '#/components/schemas/Pagination' } } : {}),
  },
})

const paginationSchema = {
  type: 'object',
  required: ['limit', 'nextCursor', 'hasMore'],
  properties: {
    limit: { type: 'integer' },
    nextCursor: { type: ['string', 'null'] },
    hasMore: { type: 'boolean' },
  },
}

const errorSchema = {
  type: 'object',
  required: ['success', 'error'],
  properties: {
    success: { const: false },
    error: {
      type: 'object',
      required: ['code', 'message', 'details', 'timestamp', 'requestId'],
      properties: {
        code: { enum: Object.keys(ERROR_STATUS) },
        message: { type: 'string' },
        details: {
          type: ['array', 'null'],
          items: {
            type: 'object',
            required: ['path', 'message'],
            properties: { path: { type: 'string' }, message: { type: 'string' } },
          },
        },
        timestamp: { type: 'string', format: 'date-time' },
        requestId: { type: 'string' },
      },
    },
  },
}
