/** What development has sent, for whoever sits at the machine. */
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { endpoint, type Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import { ok, type AnyEndpoint } from '../../wire/endpoint.ts'
import { text, timestamp } from '../../wire/fields.ts'
import { hasOutbox } from './sender.ts'
import { listMessages } from './store.ts'

const SHOWN_MAX = 100

const entry = z
  .strictObject({
    channel: z.string(),
    to: z.string(),
    body: z.string(),
    data: z.record(z.string(), z.unknown()),
    at: timestamp,
  })
  .meta({ id: 'OutboxEntry' })

const query = z.strictObject({
  // An unescaped plus of a phone number arrives as a space.
  to: text(1, 254)
    .transform((value) => value.replace(/^ (?=\d)/, '+'))
    .optional()
    .meta({ description: 'a phone number or an e-mail address', examples: ['+919812345678'] }),
})

const list = endpoint({
  method: 'get',
  path: '/dev/outbox',
  tag: 'Development',
  summary: 'List what was "sent" in the last hour, newest first',
  description: 'Exists in development only and answers loopback callers only. A code is in `data.otp`.',
  auth: false,
  query,
  success: { 200: 'At most 100 messages.' },
  data: z.array(entry),
  dataExample: [
    {
      channel: 'sms',
      to: '+919812345678',
      body: 'Your Parley code is 402917. It is valid for 5 minutes. Share it with nobody.',
      data: { otp: '402917', purpose: 'sign-in' },
      at: '2026-11-20T08:15:30.123Z',
    },
  ],
  errors: ['RESOURCE_NOT_FOUND'],
  handle: async (ctx, { query, caller }) => {
    if (!isLoopback(caller.ip)) throw notFound('page')
    const messages = await listMessages(ctx.db, query.to, SHOWN_MAX)
    return ok(messages.map((message) => ({ ...message, at: message.at.toISOString() })))
  },
})

/** Empty where there is no outbox, so that the route does not exist there. */
export const outboxEndpoints = (config: Config): AnyEndpoint<Ctx>[] => (hasOutbox(config) ? [list] : [])

export const isLoopback = (ip: string): boolean => /^(?:::ffff:)?127\.|^::1$/.test(ip)
