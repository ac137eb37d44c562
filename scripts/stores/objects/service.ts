/** The HTTP server around the routes: it authenticates, answers, and outlives every bad request. */
import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { authenticate, type Credentials } from './auth/authenticate.ts'
import { Disk } from './disk/disk.ts'
import { claimDirectory } from './disk/owner.ts'
import { sendError, type Report } from './error-answer.ts'
import { Exchange, type Limits } from './protocol/exchange.ts'
import { Headers } from './protocol/headers.ts'
import { parseTarget, Query, type Target } from './protocol/target.ts'
import { route } from './router.ts'
import { allowOrigin, answerPreflight } from './routes/preflight.ts'
import { postObject } from './routes/post-object.ts'
import { sweep, Sweeper } from './sweeper.ts'

const idleMs = 60_000
const headersMs = 10_000
const headerBytesMax = 16 * 1024
/** Below the two seconds after which whoever starts this process loses patience. */
const shutdownMs = 1_500
/** How much of a refused upload is still read away, so that the client gets to see the answer. */
const drainMs = 10_000

export interface ServiceOptions {
  dataDir: string
  port: number
  credentials: Credentials
  /** Made at the start where it is missing. */
  bucket: string
  /** Web origins that may use that bucket; null leaves its CORS rules as they are. */
  corsOrigins: string[] | null
  limits: Limits
  sweepMs: number
  now: () => number
  report: Report
}

export interface ObjectService {
  url: string
  /** Carries out the lifecycle rules now. */
  sweep: () => Promise<void>
  close: () => Promise<void>
}

function isFormUpload(exchange: Exchange): boolean {
  const type = exchange.headers.get('content-type') ?? ''
  return (
    exchange.req.method === 'POST' &&
    exchange.key === null &&
    type.toLowerCase().startsWith('multipart/form-data')
  )
}

async function serve(exchange: Exchange, target: Target, credentials: Credentials): Promise<void> {
  allowOrigin(exchange)
  const method = exchange.req.method ?? ''
  if (method === 'OPTIONS') answerPreflight(exchange)
  else if (isFormUpload(exchange)) await postObject(exchange, credentials)
  else {
    exchange.verified = authenticate(method, target, exchange.headers, credentials, exchange.now())
    await route(exchange)(exchange)
  }
}

/** Reads away what is left of a refused body, since the next request of the connection comes behind it. */
function drain(req: IncomingMessage): void {
  if (req.complete || req.destroyed) return
  const timer = setTimeout(() => req.destroy(), drainMs)
  timer.unref()
  req.once('close', () => clearTimeout(timer))
  req.once('end', () => clearTimeout(timer))
  // Whoever read the body and gave up may still listen, and a stream that is listened to does not flow.
  req.removeAllListeners('readable')
  req.resume()
}

function makeHandler(options: ServiceOptions, ready: Promise<Disk>) {
  return async (req: IncomingMessage, res: ServerResponse, expectsContinue: boolean): Promise<void> => {
    const requestId = randomBytes(8).toString('hex').toUpperCase()
    res.setHeader('x-amz-request-id', requestId)
    res.setHeader('x-content-type-options', 'nosniff')
    res.once('finish', () => drain(req))
    const common = { req, res, requestId, expectsContinue, limits: options.limits, now: options.now }
    const headers = new Headers(req.rawHeaders)
    const { region } = options.credentials
    const disk = await ready
    const bare = { ...common, disk, region, headers, query: new Query([]), bucketName: null, key: null }
    let exchange = new Exchange(bare)
    try {
      const target = parseTarget(req.url ?? '')
      exchange = new Exchange({ ...bare, query: target.query, bucketName: target.bucket, key: target.key })
      await serve(exchange, target, options.credentials)
    } catch (err) {
      sendError(exchange, err, options.report)
    }
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), shutdownMs)
  await closed
  clearTimeout(timer)
}

async function prepareBucket(disk: Disk, options: ServiceOptions): Promise<void> {
  const bucket = disk.findBucket(options.bucket) ?? (await disk.createBucket(options.bucket, options.now()))
  if (options.corsOrigins === null) return
  const rule = {
    id: 'start',
    origins: options.corsOrigins,
    methods: ['GET', 'HEAD', 'PUT', 'POST'],
    allowedHeaders: ['*'],
    exposedHeaders: ['ETag'],
    maxAgeSeconds: 3600,
  }
  await bucket.saveSettings({ cors: options.corsOrigins.length > 0 ? [rule] : null })
}

/** Serves the directory on loopback until closed. */
export async function startService(options: ServiceOptions): Promise<ObjectService> {
  const ready = new EventEmitter<{ open: [Disk] }>()
  // The port is taken first, for the claim to name it; who comes that early waits for the directory.
  const handle = makeHandler(
    options,
    once(ready, 'open').then(([disk]) => disk as Disk),
  )
  const onRequest = (expectsContinue: boolean) => (req: IncomingMessage, res: ServerResponse) => {
    handle(req, res, expectsContinue).catch((err: unknown) => {
      options.report('answer failed', err, null)
      res.destroy()
    })
  }
  // Uploads may take as long as they move: the idle limit of the socket ends those that do not.
  const server = createServer({ requestTimeout: 0, headersTimeout: headersMs, maxHeaderSize: headerBytesMax })
  server.timeout = idleMs
  server.keepAliveTimeout = idleMs
  server.on('request', onRequest(false))
  server.on('checkContinue', onRequest(true))
  server.on('clientError', (_err, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
    else socket.destroy()
  })
  const port = await listen(server, options.port)
  try {
    const release = await claimDirectory(options.dataDir, port)
    const disk = await Disk.open(options.dataDir)
    await prepareBucket(disk, options)
    const runSweep = () => sweep(disk, options.now())
    const sweeper = new Sweeper(runSweep, options.sweepMs, (err) => options.report('sweep failed', err, null))
    ready.emit('open', disk)
    sweeper.start()
    const close = async () => {
      await Promise.all([closeServer(server), sweeper.close()])
      await release()
    }
    return { url: `http://127.0.0.1:${port}`, sweep: runSweep, close }
  } catch (err) {
    server.closeAllConnections()
    server.close()
    throw err
  }
}
