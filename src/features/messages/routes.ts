/** HTTP: the message operations of API.md §5. */
import { z } from 'zod'
import type { Stored } from '../../chat-log/index.ts'
import { endpoint } from '../../context.ts'
import { encoded } from '../../wire/encoded.ts'
import { created, ok, type Answer } from '../../wire/endpoint.ts'
import { changeEndpoints } from './change-routes.ts'
import { getMessage, listChanges, listMessages } from './history.ts'
import { listReceipts, setMark } from './receipts.ts'
import {
  changes,
  changesQuery,
  chatPath,
  historyQuery,
  marks,
  marksExample,
  message,
  messageExample,
  messagePath,
  receipts,
  sendBody,
  sendToUserBody,
  upToBody,
} from './schema.ts'
import { sendMessage, sendToUser } from './send.ts'

const tag = 'Messages'
const receipt = { userId: messageExample.senderId, at: '2026-11-20T08:17:00.000Z' }

type MessageView = z.output<typeof message>

/** 201 for a new message, 200 for a repeated send. */
const answer = ({ json, duplicate }: Stored): Answer<MessageView> =>
  duplicate ? ok(encoded(json)) : created(encoded(json))

export const endpoints = [
  endpoint({
    auth: true,
    method: 'post',
    path: '/api/chats/{chatId}/messages',
    tag,
    summary: 'Send a message',
    description:
      'The answer means that a majority of the database has it. Retry with the same clientMessageId as often as needed: the answer is then the first message, with 200; with another body it is CONFLICT.',
    params: chatPath,
    body: sendBody,
    bodyExample: { clientMessageId: 'phone-7.41', content: 'Who brings the ball?' },
    success: { 201: 'The message is stored.', 200: 'It was stored by an earlier send.' },
    data: message,
    dataExample: messageExample,
    limit: 'messages',
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'CONFLICT', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params, body }) =>
      answer(await sendMessage(ctx, actor, params.chatId, body)),
  }),
  endpoint({
    auth: true,
    method: 'post',
    path: '/api/messages/chat',
    tag,
    summary: 'Send a message to a person',
    description: 'The same as sending to the direct chat with that person, which is made if there is none.',
    body: sendToUserBody,
    bodyExample: { receiverId: messageExample.senderId, clientMessageId: 'phone-7.42', content: 'Hello' },
    success: { 201: 'The message is stored.', 200: 'It was stored by an earlier send.' },
    data: message,
    dataExample: messageExample,
    limit: 'messages',
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'CONFLICT', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { body: { receiverId, ...body } }) =>
      answer(await sendToUser(ctx, actor, receiverId, body)),
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/chats/{chatId}/messages',
    tag,
    summary: 'Read the history',
    description:
      '`before` and `after` take a message id or a seq; `after=0` is the beginning. Without either: the newest page. Every page ascends by seq. `meta.pagination.nextCursor` is the edge of the page, to be given as `before` or `after` again.',
    params: chatPath,
    query: historyQuery,
    success: { 200: 'A page of messages.' },
    data: z.array(message),
    dataExample: [messageExample],
    paginated: true,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: (ctx, actor, { params, query }) => listMessages(ctx, actor, params.chatId, query),
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/chats/{chatId}/messages/{messageId}',
    tag,
    summary: 'Read one message',
    params: messagePath,
    success: { 200: 'The message.' },
    data: message,
    dataExample: messageExample,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params }) =>
      ok(await getMessage(ctx, actor, params.chatId, params.messageId)),
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/chats/{chatId}/messages/{messageId}/receipts',
    tag,
    summary: 'Who stored and who read a message',
    description: 'For its sender.',
    params: messagePath,
    success: { 200: 'The receipts.' },
    data: receipts,
    dataExample: { delivered: [receipt], read: [receipt] },
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED'],
    handle: async (ctx, actor, { params }) =>
      ok(await listReceipts(ctx, actor, params.chatId, params.messageId)),
  }),
  endpoint({
    auth: true,
    method: 'post',
    path: '/api/chats/{chatId}/read',
    tag,
    summary: 'Move the read mark',
    description:
      'It only moves forward. Beyond the end of the chat counts as the end. Read implies delivered.',
    params: chatPath,
    body: upToBody,
    bodyExample: { upTo: 2 },
    success: { 200: 'The marks as they are now.' },
    data: marks,
    dataExample: marksExample,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params, body }) =>
      ok(await setMark(ctx, actor, params.chatId, 'read', body.upTo)),
  }),
  endpoint({
    auth: true,
    method: 'post',
    path: '/api/chats/{chatId}/delivered',
    tag,
    summary: 'Move the delivered mark',
    description: 'Says that a device has stored the chat up to there. It only moves forward.',
    params: chatPath,
    body: upToBody,
    bodyExample: { upTo: 2 },
    success: { 200: 'The marks as they are now.' },
    data: marks,
    dataExample: marksExample,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params, body }) =>
      ok(await setMark(ctx, actor, params.chatId, 'delivered', body.upTo)),
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/chats/{chatId}/changes',
    tag,
    summary: 'What is new or changed since a revision',
    description: 'Needs no Redis. Go on with the `rev` of the answer while `hasMore`.',
    params: chatPath,
    query: changesQuery,
    success: { 200: 'Messages in the order of their revisions.' },
    data: changes,
    dataExample: { messages: [messageExample], rev: 2, hasMore: false },
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params, query }) => ok(await listChanges(ctx, actor, params.chatId, query)),
  }),
  ...changeEndpoints,
]
