/** The caller's account and other people's. */
import { z } from 'zod'
import { endpoint } from '../../context.ts'
import { ok } from '../../wire/endpoint.ts'
import { PUBLIC_USER, USER } from './examples.ts'
import { getPublicUser, searchUsers } from './find-users.ts'
import { editNotifications, editPrivacy, editProfile, getOwnUser } from './profile.ts'
import {
  notificationsBody,
  notificationSettings,
  privacyBody,
  privacySettings,
  profileBody,
  publicUser,
  searchQuery,
  user,
  userParams,
} from './schema.ts'

const tag = 'Users'

export const userEndpoints = [
  endpoint({
    method: 'get',
    path: '/api/users/me',
    tag,
    summary: 'Read the own account',
    auth: true,
    success: { 200: 'The account.' },
    data: user,
    dataExample: USER,
    handle: async (ctx, actor) => ok(await getOwnUser(ctx, actor)),
  }),
  endpoint({
    method: 'patch',
    path: '/api/users/me',
    tag,
    summary: 'Change the own profile',
    description:
      'Only the fields given change; `null` empties one. A new e-mail address has to be verified again.',
    auth: true,
    body: profileBody,
    bodyExample: { fullName: 'Asha R.', bio: 'At the lake', username: 'asha.rao' },
    success: { 200: 'The account as it is now.' },
    data: user,
    dataExample: { ...USER, fullName: 'Asha R.' },
    errors: ['RESOURCE_ALREADY_EXISTS'],
    handle: async (ctx, actor, { body }) => ok(await editProfile(ctx, actor, body)),
  }),
  endpoint({
    method: 'put',
    path: '/api/users/me/privacy',
    tag,
    summary: 'Change who sees what',
    description: 'Only the settings given change.',
    auth: true,
    body: privacyBody,
    bodyExample: { lastSeen: 'nobody', readReceipts: false },
    success: { 200: 'All privacy settings as they are now.' },
    data: privacySettings,
    dataExample: { ...USER.privacySettings, lastSeen: 'nobody', readReceipts: false },
    handle: async (ctx, actor, { body }) => ok(await editPrivacy(ctx, actor, body)),
  }),
  endpoint({
    method: 'put',
    path: '/api/users/me/notifications',
    tag,
    summary: 'Change what is notified',
    description: 'Only the settings given change.',
    auth: true,
    body: notificationsBody,
    bodyExample: { previews: false },
    success: { 200: 'All notification settings as they are now.' },
    data: notificationSettings,
    dataExample: { ...USER.notificationSettings, previews: false },
    handle: async (ctx, actor, { body }) => ok(await editNotifications(ctx, actor, body)),
  }),
  // Before `{userId}`, which would match it too.
  endpoint({
    method: 'get',
    path: '/api/users/search',
    tag,
    summary: 'Find people by whole phone number or beginning of the username',
    auth: true,
    query: searchQuery,
    success: { 200: 'Who was found, by username.' },
    data: z.array(publicUser),
    dataExample: [PUBLIC_USER],
    paginated: true,
    errors: ['INVALID_INPUT'],
    handle: (ctx, actor, { query }) => searchUsers(ctx, actor, query),
  }),
  endpoint({
    method: 'get',
    path: '/api/users/{userId}',
    tag,
    summary: 'Read what a user shows',
    auth: true,
    params: userParams,
    success: { 200: 'The user, hidden fields null.' },
    data: publicUser,
    dataExample: PUBLIC_USER,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params }) => ok(await getPublicUser(ctx, actor, params.userId)),
  }),
]
