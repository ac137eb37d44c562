/** The environment, read and checked once. Nothing else in src reads process.env. */
import { z } from 'zod'

const url = (protocols: string[]) =>
  z.string().refine((value) => protocols.some((protocol) => value.startsWith(`${protocol}://`)), {
    message: `must be a URL starting with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
  })
const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback)
const list = z
  .string()
  .default('')
  .transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )

const privateJwks = z.string().transform((text, ctx) => {
  const problem = (message: string) => {
    ctx.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  let keys: unknown
  try {
    keys = JSON.parse(text)
  } catch {
    return problem('must be a JSON array of private JWKs')
  }
  const parsed = z
    .array(z.looseObject({ kty: z.enum(['EC', 'OKP']), kid: z.string().min(1), d: z.string().min(1) }))
    .min(1)
    .safeParse(keys)
  return parsed.success
    ? parsed.data
    : problem('must be a JSON array of private ES256 or EdDSA JWKs with kid')
})

const variables = {
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(3000)
    .describe('TCP port of the HTTP and socket server; 0 takes a free one'),
  HOST: z.string().default('127.0.0.1').describe('address to listen on'),
  DATABASE_URL: url(['postgres', 'postgresql']).describe('PostgreSQL: identity, devices, sessions, contacts'),
  DATABASE_REPLICA_URL: url(['postgres', 'postgresql'])
    .optional()
    .describe(
      'a streaming replica of it, for reads that may be 3 s late: profiles of others, searching users',
    ),
  MONGODB_URL: url(['mongodb', 'mongodb+srv']).describe('MongoDB replica set: chats, messages, calls'),
  REDIS_URL: url(['redis', 'rediss']).describe(
    'Redis: event streams, presence, typing, rate limits; with several hosts, comma separated, a cluster',
  ),
  REDIS_PARTITIONS: z.coerce
    .number()
    .int()
    .min(1)
    .max(16384)
    .default(64)
    .describe('into how many parts users are spread over a Redis cluster; a change resets every device once'),
  S3_ENDPOINT: url(['http', 'https']).optional().describe('S3-compatible endpoint for media'),
  S3_BUCKET: z.string().default('parley').describe('bucket for media'),
  S3_REGION: z.string().default('us-east-1').describe('region of the bucket'),
  S3_ACCESS_KEY_ID: z.string().optional().describe('S3 access key'),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe('S3 secret key'),
  ROLES: z
    .string()
    .default('api,realtime,worker')
    .transform((value) => value.split(',').map((role) => role.trim()))
    .pipe(z.array(z.enum(['api', 'realtime', 'worker'])).min(1))
    .describe('what this process does'),
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('production')
    .describe('development opens the outbox on loopback'),
  RATE_LIMITS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('off lifts all limits but the five tries of a code'),
  TRUSTED_PROXIES: list.describe('addresses whose X-Forwarded-For is believed, comma separated'),
  ALLOWED_ORIGINS: list.describe('browser origins allowed besides the server itself, comma separated'),
  PUBLIC_URL: z
    .url()
    .optional()
    .describe('the URL that people reach the server by; default http://HOST:PORT'),
  JWT_PRIVATE_KEYS: privateJwks.describe(
    'JSON array of private JWKs (ES256 or EdDSA); the first signs, all verify',
  ),
  ID_SECRET: z
    .string()
    .min(32, 'must be at least 32 characters')
    .describe('secret behind the opaque ids and cursors; never change it'),
  SMS_PROVIDER: z.enum(['outbox']).default('outbox').describe('how codes are sent'),
  EMAIL_PROVIDER: z.enum(['outbox']).default('outbox').describe('how e-mails are sent'),
  METRICS_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('bearer token for /metrics; without it, loopback only in production'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('least level that is logged'),
  NODE_ID: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,40}$/)
    .optional()
    .describe('name of this process among the nodes; random by default'),
  GROUP_MEMBERS_MAX: z.coerce
    .number()
    .int()
    .min(2)
    .max(5000)
    .default(256)
    .describe('members of a group at most'),
  EDIT_WINDOW_SECONDS: seconds(15 * 60).describe('how long the sender may edit'),
  DELETE_WINDOW_SECONDS: seconds(48 * 3600).describe('how long the sender may delete for everyone'),
}

const schema = z.object(variables).superRefine((env, ctx) => {
  if (env.NODE_ENV !== 'production') return
  if (env.ALLOWED_ORIGINS.includes('*'))
    ctx.addIssue({ code: 'custom', path: ['ALLOWED_ORIGINS'], message: '* is not allowed in production' })
})

export type Config = z.infer<typeof schema> & { readonly development: boolean }

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** Parses the environment. Throws one ConfigError that names every missing or wrong variable. */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = schema.safeParse(present)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = issue.path.join('.')
      return `  ${name}: ${name in present ? issue.message : 'is missing'}`
    })
    throw new ConfigError(`The environment is not usable:\n${lines.join('\n')}`)
  }
  return { ...parsed.data, development: parsed.data.NODE_ENV !== 'production' }
}

/** What .env.example is generated from. */
export function environmentReference(): Array<{
  name: string
  default?: string
  required: boolean
  description: string
}> {
  return Object.entries(variables).map(([name, variable]) => {
    const probe = z.object({ [name]: variable }).safeParse({})
    const description = variable.description ?? ''
    if (!probe.success) return { name, required: true, description }
    const value: unknown = probe.data[name]
    if (value === undefined) return { name, required: false, description }
    const text =
      Array.isArray(value) || typeof value === 'number'
        ? value.toString()
        : typeof value === 'string'
          ? value
          : ''
    return { name, default: text, required: false, description }
  })
}
