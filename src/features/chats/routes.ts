/** HTTP: the chat operations of API.md §4. */
import { z } from 'zod'
import { endpoint } from '../../context.ts'
import { created, noContent, ok } from '../../wire/endpoint.ts'
import { requireAccess, requireMember } from './access.ts'
import { createChat } from './create.ts'
import { listChats } from './list.ts'
import { addParticipants, removeParticipant, setRole } from './participants.ts'
import {
  addParticipantsBody,
  changeSeq,
  chat,
  chatExample,
  chatPath,
  createChatBody,
  listChatsQuery,
  participant,
  participantExample,
  participantPath,
  participantsChanged,
  participantsQuery,
  roleBody,
  settingsBody,
  updateChatBody,
} from './schema.ts'
import { changeSettings } from './settings.ts'
import { deleteChat, updateChat } from './update.ts'
import { listParticipants } from './list-participants.ts'
import { viewChat } from './view.ts'

const tag = 'Chats'
const userId = participantExample.userId

export const endpoints = [
  endpoint({
    auth: true,
    method: 'post',
    path: '/api/chats',
    tag,
    summary: 'Make a chat',
    description:
      'A direct chat between two people exists once: the second call answers 200 with the first. With only yourself as participant it is a notes chat. Groups and broadcasts need a name.',
    body: createChatBody,
    bodyExample: { type: 'group', participantIds: [userId], name: 'Sunday football' },
    success: { 201: 'The chat was made.', 200: 'The direct chat was there already.' },
    data: chat,
    dataExample: chatExample,
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED'],
    handle: async (ctx, actor, { body }) => {
      const { chat: view, isNew } = await createChat(ctx, actor, body)
      return isNew ? created(view) : ok(view)
    },
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/chats',
    tag,
    summary: "List the caller's chats",
    description: 'Pinned ones ahead, then newest activity first. `archived` absent means all.',
    query: listChatsQuery,
    success: { 200: 'A page of chats.' },
    data: z.array(chat),
    dataExample: [chatExample],
    paginated: true,
    errors: ['INVALID_INPUT'],
    handle: async (ctx, actor, { query }) => {
      const { chats, pagination } = await listChats(ctx, actor, query)
      return { data: chats, pagination }
    },
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/chats/{chatId}',
    tag,
    summary: 'Read one chat',
    params: chatPath,
    success: { 200: 'The chat with its participants.' },
    data: chat,
    dataExample: chatExample,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params }) => {
      const access = await requireAccess(ctx, actor, params.chatId)
      return ok(await viewChat(ctx, access.chat, access.member))
    },
  }),
  endpoint({
    auth: true,
    method: 'patch',
    path: '/api/chats/{chatId}',
    tag,
    summary: "Change a group's info or permissions",
    params: chatPath,
    body: updateChatBody,
    bodyExample: { name: 'Monday football', permissions: { sendMessages: 'admins' } },
    success: { 200: 'The chat as it is now.' },
    data: chat,
    dataExample: { ...chatExample, name: 'Monday football' },
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params, body }) => ok(await updateChat(ctx, actor, params.chatId, body)),
  }),
  endpoint({
    auth: true,
    method: 'delete',
    path: '/api/chats/{chatId}',
    tag,
    summary: 'Leave a group, or hide a direct chat',
    description: 'A hidden chat comes back into the list with its next message.',
    params: chatPath,
    success: { 204: 'Done.' },
    errors: ['RESOURCE_NOT_FOUND', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params }) => {
      await deleteChat(ctx, actor, params.chatId)
      return noContent()
    },
  }),
  endpoint({
    auth: true,
    method: 'put',
    path: '/api/chats/{chatId}/settings',
    tag,
    summary: "Change the caller's own settings of a chat",
    params: chatPath,
    body: settingsBody,
    bodyExample: { pinned: true, muted: true, mutedUntil: '2026-11-21T08:00:00.000Z' },
    success: { 200: 'The chat with the settings as they are now.' },
    data: chat,
    dataExample: chatExample,
    errors: ['RESOURCE_NOT_FOUND'],
    handle: async (ctx, actor, { params, body }) => ok(await changeSettings(ctx, actor, params.chatId, body)),
  }),
  endpoint({
    auth: true,
    method: 'get',
    path: '/api/chats/{chatId}/participants',
    tag,
    summary: 'List the participants',
    params: chatPath,
    query: participantsQuery,
    success: { 200: 'The participants, longest-standing first.' },
    data: z.array(participant),
    dataExample: [participantExample],
    paginated: true,
    errors: ['RESOURCE_NOT_FOUND', 'INVALID_INPUT'],
    handle: async (ctx, actor, { params, query }) => {
      const { chatId } = await requireMember(ctx, actor, params.chatId)
      return listParticipants(ctx, actor, chatId, query)
    },
  }),
  endpoint({
    auth: true,
    method: 'post',
    path: '/api/chats/{chatId}/participants',
    tag,
    summary: 'Add people to a group',
    description:
      'Those who are in it already are left as they are. `seq` is the place of the change, null without one.',
    params: chatPath,
    body: addParticipantsBody,
    bodyExample: { userIds: [userId] },
    success: { 200: 'The participants as they are now.' },
    data: participantsChanged,
    dataExample: { participants: [participantExample], seq: 7 },
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params, body }) =>
      ok(await addParticipants(ctx, actor, params.chatId, body.userIds)),
  }),
  endpoint({
    auth: true,
    method: 'delete',
    path: '/api/chats/{chatId}/participants/{userId}',
    tag,
    summary: 'Remove someone from a group, or leave it',
    description: 'The last owner leaving hands over to the longest-standing admin, else member.',
    params: participantPath,
    success: { 200: 'The place of the change, null where he was out already.' },
    data: changeSeq,
    dataExample: { seq: 8 },
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params }) =>
      ok(await removeParticipant(ctx, actor, params.chatId, params.userId)),
  }),
  endpoint({
    auth: true,
    method: 'put',
    path: '/api/chats/{chatId}/participants/{userId}/role',
    tag,
    summary: "Change a participant's role",
    params: participantPath,
    body: roleBody,
    bodyExample: { role: 'admin' },
    success: { 200: 'The participants as they are now.' },
    data: participantsChanged,
    dataExample: { participants: [{ ...participantExample, role: 'admin' }], seq: 9 },
    errors: ['RESOURCE_NOT_FOUND', 'PERMISSION_DENIED', 'SERVICE_UNAVAILABLE'],
    handle: async (ctx, actor, { params, body }) =>
      ok(await setRole(ctx, actor, params.chatId, params.userId, body.role)),
  }),
]
