/** The caller's sessions: listing and ending them. */
import { z } from 'zod'
import { endpoint } from '../../context.ts'
import { noContent } from '../../wire/endpoint.ts'
import { endAllSessions, endSession, logout } from './end-sessions.ts'
import { SESSION } from './examples.ts'
import { listSessions } from './list-sessions.ts'
import { session, sessionParams, sessionsQuery } from './schema.ts'

const tag = 'Authentication'

export const sessionEndpoints = [
  endpoint({
    method: 'post',
    path: '/api/auth/logout',
    tag,
    summary: 'Sign this device out',
    description: 'Its access token, refresh token and sockets stop working at once.',
    auth: true,
    success: { 204: 'Signed out.' },
    handle: async (ctx, actor) => {
      await logout(ctx, actor)
      return noContent()
    },
  }),
  endpoint({
    method: 'post',
    path: '/api/auth/logout-all',
    tag,
    summary: 'Sign all devices out, this one too',
    auth: true,
    success: { 204: 'Signed out everywhere.' },
    handle: async (ctx, actor) => {
      await endAllSessions(ctx, actor.userId, 'logout-all')
      return noContent()
    },
  }),
  endpoint({
    method: 'get',
    path: '/api/auth/sessions',
    tag,
    summary: 'List the signed-in devices, newest first',
    auth: true,
    query: sessionsQuery,
    success: { 200: 'The live sessions.' },
    data: z.array(session),
    dataExample: [SESSION],
    paginated: true,
    errors: ['INVALID_INPUT'],
    handle: (ctx, actor, { query }) => listSessions(ctx, actor, query),
  }),
  endpoint({
    method: 'delete',
    path: '/api/auth/sessions/{sessionId}',
    tag,
    summary: 'End one session',
    auth: true,
    params: sessionParams,
    success: { 204: 'Ended.' },
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params }) => {
      await endSession(ctx, actor, params.sessionId)
      return noContent()
    },
  }),
]
