/** HTTP: blocking people (API.md §2). */
import { z } from 'zod'
import { endpoint } from '../../context.ts'
import { noContent } from '../../wire/endpoint.ts'
import { page, pathUuid } from '../../wire/fields.ts'
import { publicUser, type PublicUser } from '../accounts/index.ts'
import { blockUser, unblockUser } from './block.ts'
import { listBlocked } from './list-blocked.ts'

const tag = 'Users'
const params = z.strictObject({ userId: pathUuid })

/** The blocker sees neither presence. */
const example: PublicUser = {
  id: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
  username: 'asha.rao',
  fullName: 'Asha Rao',
  bio: 'At the lake',
  profilePictureUrl: null,
  isOnline: null,
  lastSeen: null,
}

export const endpoints = [
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/users/blocked',
    tag,
    summary: 'List the people whom the caller blocks',
    description: 'Newest first.',
    query: z.strictObject(page),
    success: { 200: 'A page of users.' },
    data: z.array(publicUser),
    dataExample: [example],
    paginated: true,
    errors: ['INVALID_INPUT', 'SERVICE_UNAVAILABLE'],
    handle: (ctx, actor, { query }) => listBlocked(ctx, actor, query),
  }),
  endpoint({
    auth: true,
    method: 'post',
    path: '/api/users/{userId}/block',
    tag,
    summary: 'Block someone',
    description:
      'What the blocked one writes to the direct chat from now on takes a place that is `void` for the caller, also after unblocking; for its sender it stays `sent`. Neither sees the other’s presence or typing any more, and the blocked one cannot add the caller to groups. He is not told. Groups that both are in do not change. Repeating it is a success without effect.',
    params,
    success: { 204: 'The user is blocked.' },
    errors: ['RESOURCE_NOT_FOUND', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params: { userId } }) => {
      await blockUser(ctx, actor, userId)
      return noContent()
    },
  }),
  endpoint({
    auth: true,
    method: 'delete',
    path: '/api/users/{userId}/block',
    tag,
    summary: 'Unblock someone',
    description:
      'What was sent in between stays `void`. Repeating it, or unblocking somebody who is not blocked, is a success without effect.',
    params,
    success: { 204: 'The user is not blocked.' },
    errors: ['RESOURCE_NOT_FOUND', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params: { userId } }) => {
      await unblockUser(ctx, actor, userId)
      return noContent()
    },
  }),
]
