/** JSON lines on stdout. The message is a constant, the facts are fields; secrets are redacted by name as a last net. */
import { pino, type Logger } from 'pino'

export type Log = Logger

const SECRET_FIELDS = [
  'otp',
  'code',
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
    serializers: { err: pino.stdSerializers.err },
  })
}
