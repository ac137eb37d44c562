/** The embedded object store as a process of its own, for development and tests on one machine. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { reportToStderr } from './error-answer.ts'
import { startService, type ServiceOptions } from './service.ts'

const usage = `An S3-compatible object store on local disk, for development and tests on one machine.

usage: node --import tsx scripts/stores/objects/server.ts --data DIR --access-key KEY --secret-key SECRET --bucket NAME

  --data DIR               where the objects are kept; made if missing
  --access-key KEY         the one access key id that may sign requests
  --secret-key SECRET      its secret; OBJECTS_SECRET_KEY in the environment keeps it out of the process list
  --bucket NAME            made at the start if missing
  --port N                 on 127.0.0.1; 0, the default, takes a free one
  --region NAME            which signatures must name (us-east-1)
  --cors-origin ORIGIN     a web origin that may use the bucket, repeatable; replaces its CORS rules
  --max-object-bytes N     largest object and part (5 GiB)
  --sweep-seconds N        how often lifecycle rules are carried out (60)
  --with-parent            end when standard input closes, so as not to outlive whoever started this
  --help                   this text

Prints one line, "listening http://127.0.0.1:PORT", once it is ready. Ends on SIGTERM and SIGINT.
`

class UsageError extends Error {}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}`)
  return value
}

function required(name: string, value: string | undefined): string {
  if (!value) throw new UsageError(`--${name} is required`)
  return value
}

interface Arguments {
  help: boolean
  withParent: boolean
  options: () => ServiceOptions
}

function readArguments(argv: string[]): Arguments {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string', default: '0' },
      data: { type: 'string' },
      'access-key': { type: 'string' },
      'secret-key': { type: 'string' },
      bucket: { type: 'string' },
      region: { type: 'string', default: 'us-east-1' },
      'cors-origin': { type: 'string', multiple: true },
      'max-object-bytes': { type: 'string', default: String(5 * 1024 ** 3) },
      'sweep-seconds': { type: 'string', default: '60' },
      'with-parent': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const options = (): ServiceOptions => ({
    dataDir: resolve(required('data', values.data)),
    port: wholeNumber('port', values.port, 0, 65_535),
    credentials: {
      accessKeyId: required('access-key', values['access-key']),
      secretAccessKey: required('secret-key', values['secret-key'] ?? process.env['OBJECTS_SECRET_KEY']),
      region: values.region,
    },
    bucket: required('bucket', values.bucket),
    corsOrigins: values['cors-origin'] ?? null,
    limits: {
      objectBytesMax: wholeNumber('max-object-bytes', values['max-object-bytes'], 1, 5 * 1024 ** 4),
      partBytesMin: 5 * 1024 * 1024,
    },
    sweepMs: wholeNumber('sweep-seconds', values['sweep-seconds'], 1, 86_400) * 1000,
    now: Date.now,
    report: reportToStderr,
  })
  return { help: values.help, withParent: values['with-parent'], options }
}

/** Resolves when this process is asked to end. */
function untilAsked(withParent: boolean): Promise<void> {
  return new Promise((done) => {
    process.once('SIGTERM', () => done())
    process.once('SIGINT', () => done())
    if (!withParent) return
    process.stdin.once('end', () => done())
    process.stdin.once('error', () => done())
    process.stdin.resume()
  })
}

async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2))
  if (given.help) {
    process.stdout.write(usage)
    return 0
  }
  const options = given.options()
  const asked = untilAsked(given.withParent)
  const service = await startService(options)
  process.stdout.write(`listening ${service.url}\n`)
  await asked
  await service.close()
  return 0
}

// Whoever read our line may be gone before we are; a closed pipe is no reason to fail.
process.stdout.on('error', () => undefined)
try {
  process.exitCode = await main()
} catch (err) {
  const isUsage = err instanceof UsageError || (err instanceof TypeError && 'code' in err)
  process.stderr.write(
    `${err instanceof Error ? err.message : String(err)}${isUsage ? '; see --help' : ''}\n`,
  )
  process.exitCode = isUsage ? 2 : 1
}
if (!process.stdin.readableEnded) process.stdin.destroy()
