/** Who is calling: the address behind trusted proxies only, and a request id. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Caller } from './endpoint.ts'

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/

export function readCaller(req: IncomingMessage, trustedProxies: readonly string[]): Caller {
  const given = req.headers['x-request-id']
  return {
    ip: callerAddress(req, trustedProxies),
    userAgent: req.headers['user-agent']?.slice(0, 300) ?? null,
    requestId: typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID(),
  }
}

/** The nearest address that is not a trusted proxy: whatever stands before it in the header anyone can write. */
function callerAddress(req: IncomingMessage, trustedProxies: readonly string[]): string {
  const peer = plainAddress(req.socket.remoteAddress ?? '')
  if (!trustedProxies.includes(peer)) return peer
  const forwarded = String(req.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((item) => plainAddress(item.trim()))
  for (const address of forwarded.toReversed()) {
    if (isIP(address) === 0) break
    if (!trustedProxies.includes(address)) return address
  }
  return peer
}

const plainAddress = (address: string) => address.replace(/^::ffff:/i, '')

export const isLoopback = (address: string) => address === '::1' || address.startsWith('127.')
