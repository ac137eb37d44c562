import { S3Error } from '../protocol/errors.ts'
import type { Exchange } from '../protocol/exchange.ts'
import { corsHeaders } from '../rules/cors-rules.ts'

/** Answers a browser's OPTIONS, the one request that carries no signature. */
export function answerPreflight(exchange: Exchange): void {
  const origin = exchange.headers.get('origin')
  const method = exchange.headers.get('access-control-request-method')
  if (origin === null || method === null) throw new S3Error('InvalidRequest', 'This is not a CORS preflight.')
  const headers = (exchange.headers.get('access-control-request-headers') ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  // An unknown bucket answers like one without rules: strangers learn nothing here.
  const rules = exchange.disk.findBucket(exchange.bucketName ?? '')?.settings.cors ?? []
  const answer = corsHeaders(rules, { origin, method, headers })
  if (!answer) throw new S3Error('AccessForbidden')
  exchange.send(200, answer)
}

/** Sets the CORS headers of an ordinary answer, errors included, so that a page can read them. */
export function allowOrigin(exchange: Exchange): void {
  const origin = exchange.headers.get('origin')
  const rules = exchange.disk.findBucket(exchange.bucketName ?? '')?.settings.cors
  if (origin === null || !rules) return
  const answer = corsHeaders(rules, { origin, method: exchange.req.method ?? '', headers: [] })
  for (const [name, value] of Object.entries(answer ?? {})) exchange.res.setHeader(name, value)
}
