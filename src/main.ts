/** Serves HTTP and sockets, and does the background work, as ROLES says. Ends by itself on SIGTERM or SIGINT. */
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { ConfigError, readConfig, type Config } from './config.ts'
import { buildAsyncApi } from './gateway/asyncapi.ts'
import { Gateway } from './gateway/server.ts'
import { buildApp } from './http/app.ts'
import { Requests } from './http/requests.ts'
import { LIMITS } from './lib/limits.ts'
import { createLog, type Log } from './lib/log.ts'
import { openContext } from './open-context.ts'
import { UniqueIndexMissing } from './stores/mongo-indexes.ts'

/** sysexits.h: something is wrong with the configuration. */
const EX_CONFIG = 78

async function serve(config: Config, log: Log): Promise<void> {
  const { ctx, probes, nodes, close } = await openContext(config, log)
  const gateway = new Gateway(ctx)
  const app = buildApp(ctx, { probes, nodes, asyncApi: JSON.stringify(buildAsyncApi()) })
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.headersTimeoutMs,
      requestTimeout: LIMITS.requestTimeoutMs,
      connectionsCheckingInterval: 2000,
    },
  }) as Server
  server.maxHeadersCount = 100
  const requests = new Requests(server)
  gateway.listen(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(config.PORT, config.HOST, resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : config.PORT
  log.info({ host: config.HOST, port, node: ctx.delivery.nodeId, roles: config.ROLES }, 'listening')

  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    // Nothing may keep the process beyond its time; whoever is not told by then resumes elsewhere.
    setTimeout(() => process.exit(1), LIMITS.shutdownMs).unref()
    await Promise.all([requests.stop(LIMITS.answerMs), gateway.close()])
    await close()
    server.closeAllConnections()
    log.info('stopped')
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop('SIGTERM'))
  process.on('SIGINT', () => void stop('SIGINT'))
}

async function main(): Promise<void> {
  let log = createLog('info')
  try {
    const config = readConfig()
    log = createLog(config.LOG_LEVEL)
    process.on('unhandledRejection', (err) => log.error({ err }, 'unhandled rejection'))
    await serve(config, log)
  } catch (err) {
    const settings = err instanceof ConfigError || err instanceof UniqueIndexMissing
    if (settings) log.fatal(err.message)
    else log.fatal({ err }, 'could not start')
    process.exit(settings ? EX_CONFIG : 1)
  }
}

await main()
