/** HTTP: what happens to a message after it was sent. */
import { endpoint } from '../../context.ts'
import { ok } from '../../wire/endpoint.ts'
import { listEdits } from './edit-history.ts'
import { editMessage } from './edit.ts'
import { removeReaction, setReaction } from './react.ts'
import { deleteForEveryone, deleteForSelf } from './remove.ts'
import {
  deleteQuery,
  editBody,
  edits,
  editsExample,
  message,
  messageExample,
  messagePath,
  reactionBody,
  reactionPath,
} from './schema.ts'

const tag = 'Messages'
const path = '/api/chats/{chatId}/messages/{messageId}'

export const editedExample = {
  ...messageExample,
  rev: 3,
  isEdited: true,
  editedAt: '2026-11-20T08:18:00.000Z',
  updatedAt: '2026-11-20T08:18:00.000Z',
}
export const deletedExample = {
  ...messageExample,
  rev: 4,
  content: null,
  isDeleted: true,
  updatedAt: '2026-11-20T08:19:00.000Z',
}
export const reactedExample = {
  ...messageExample,
  rev: 3,
  reactions: [{ emoji: '👍', count: 1, mine: true }],
  updatedAt: '2026-11-20T08:18:00.000Z',
}

export const changeEndpoints = [
  endpoint({
    auth: true,
    method: 'patch',
    path,
    tag,
    summary: 'Edit a message',
    description:
      'Only its sender, within the window (15 min by default). The earlier texts are kept. The present text again changes nothing.',
    params: messagePath,
    body: editBody,
    bodyExample: { content: messageExample.content },
    success: { 200: 'The message as it is now.' },
    data: message,
    dataExample: editedExample,
    limit: 'messages',
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'CONFLICT'],
    handle: async (ctx, actor, { params, body }) => ok(await editMessage(ctx, actor, params, body.content)),
  }),
  endpoint({
    auth: true,
    method: 'delete',
    path,
    tag,
    summary: 'Delete a message',
    description:
      'For everyone: by its sender within the window (48 h by default), or by owners, admins and moderators of a group; a tombstone keeps its place. Else for the caller alone: its place becomes `void` for him. Repeating it changes nothing.',
    params: messagePath,
    query: deleteQuery,
    success: { 200: 'The message as it is now for the caller.' },
    data: message,
    dataExample: deletedExample,
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'CONFLICT'],
    handle: async (ctx, actor, { params, query }) =>
      ok(await (query.forEveryone ? deleteForEveryone : deleteForSelf)(ctx, actor, params)),
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: `${path}/history`,
    tag,
    summary: 'List the edits of a message',
    description: 'Oldest first: each with the text that it replaced. A deleted message has none.',
    params: messagePath,
    success: { 200: 'The edits.' },
    data: edits,
    dataExample: editsExample,
    paginated: true,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: (ctx, actor, { params }) => listEdits(ctx, actor, params),
  }),
  endpoint({
    auth: true,
    method: 'post',
    path: `${path}/reactions`,
    tag,
    summary: 'React to a message',
    description:
      'One emoji per user and message: it replaces the caller’s earlier one. The same one again changes nothing.',
    params: messagePath,
    body: reactionBody,
    bodyExample: { emoji: '👍' },
    success: { 200: 'The message with its reactions.' },
    data: message,
    dataExample: reactedExample,
    limit: 'messages',
    errors: ['RESOURCE_NOT_FOUND', 'CONFLICT'],
    handle: async (ctx, actor, { params, body }) => ok(await setReaction(ctx, actor, params, body.emoji)),
  }),
  endpoint({
    auth: true,
    method: 'delete',
    path: `${path}/reactions/{emoji}`,
    tag,
    summary: 'Withdraw a reaction',
    description: 'Where the caller has not reacted with this emoji, it changes nothing.',
    params: reactionPath,
    success: { 200: 'The message with its reactions.' },
    data: message,
    dataExample: { ...messageExample, rev: 4 },
    limit: 'messages',
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params }) => ok(await removeReaction(ctx, actor, params, params.emoji)),
  }),
]
