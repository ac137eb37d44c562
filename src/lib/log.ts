/** JSON lines on stdout. The message is a constant, the facts are fields; secrets are redacted by name as a last net. */
import { pino, type Logger } from 'pino'

export type Log = Logger

const SECRET_FIELDS = [
  'otp',
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'authorization',
  'phoneNumber',
  'content',
  'body',
  'email',
]

export function createLog(level: string): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
    serializers: { err: errorFields },
  })
}

/** A query's error repeats the query and its values: what is logged of it is the driver's error behind it. */
function errorFields(err: unknown): unknown {
  if (!(err instanceof Error)) return { message: typeof err }
  const told = err.message.startsWith('Failed query') && err.cause instanceof Error ? err.cause : err
  const { code } = told as { code?: unknown }
  return {
    type: told.name,
    // What a database says of a row may quote the row.
    message: told.message
      .split('\n')[0]
      ?.replaceAll(/\+?\d{7,}/g, '[digits]')
      .slice(0, 300),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: told.stack?.split('\n').slice(1, 12).join('\n'),
    ...(told.cause === undefined ? {} : { cause: errorFields(told.cause) }),
  }
}
