/** Inputs and outputs of the chat operations (API.md §4). */
import { z } from 'zod'
import { limit, opaqueId, page, pathUuid, text, timestamp, uuid } from '../../wire/fields.ts'
import { conditional } from '../../wire/json-schemas.ts'
import { LIMITS } from '../../lib/limits.ts'

export const chatPath = z.strictObject({ chatId: opaqueId('chat') })
export const participantPath = z.strictObject({ chatId: opaqueId('chat'), userId: pathUuid })

const chatName = text(1, 100)
const description = text(0, 500)
const role = z.enum(['owner', 'admin', 'moderator', 'member'])
const audience = z.enum(['everyone', 'admins'])
const httpUrl = text(1, 2000)
  .refine((value) => /^https?:\/\/\S+$/.test(value) && URL.canParse(value), {
    message: 'must be an http or https URL',
  })
  .meta({ format: 'uri', pattern: '^https?:\\/\\/\\S+$', examples: ['https://example.com/ball.png'] })

export const createChatBody = z
  .strictObject({
    type: z.enum(['direct', 'group', 'broadcast']),
    participantIds: z.array(uuid).max(5000),
    name: chatName.optional(),
    description: description.optional(),
  })
  .meta(
    conditional(
      { properties: { type: { const: 'direct' } } },
      { properties: { participantIds: { minItems: 1 }, name: false, description: false } },
      { required: ['name'] },
    ),
  )

export const listChatsQuery = z.strictObject({
  ...page,
  archived: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
  type: z.enum(['direct', 'group', 'broadcast']).optional(),
  query: text(1, 100).optional(),
})

export const updateChatBody = z
  .strictObject({
    name: chatName.optional(),
    description: description.nullable().optional(),
    avatarUrl: httpUrl.nullable().optional(),
    permissions: z
      .strictObject({
        sendMessages: audience.optional(),
        editInfo: audience.optional(),
        addMembers: audience.optional(),
        pinMessages: audience.optional(),
      })
      .optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'must change something' })
  .meta({ minProperties: 1 })

export const settingsBody = z
  .strictObject({
    muted: z.boolean().optional(),
    mutedUntil: timestamp.nullable().optional(),
    pinned: z.boolean().optional(),
    archived: z.boolean().optional(),
    notifications: z.boolean().optional(),
    theme: text(1, 50).nullable().optional(),
    emoji: text(1, 16).nullable().optional(),
  })
  .refine((body) => Object.keys(body).length > 0, { message: 'must change something' })
  .meta({ minProperties: 1 })

export const addParticipantsBody = z.strictObject({ userIds: z.array(uuid).min(1).max(256) })
export const roleBody = z.strictObject({ role })
export const participantsQuery = z.strictObject({
  limit: limit(LIMITS.pageMax, LIMITS.pageMax),
  cursor: page.cursor,
})

export const participant = z
  .object({
    userId: z.string(),
    role,
    joinedAt: timestamp,
    joinedSeq: z.number().int(),
    nickname: z.string().nullable(),
  })
  .meta({ id: 'Participant' })

const chatSettings = z
  .object({
    muted: z.boolean(),
    mutedUntil: timestamp.nullable(),
    pinned: z.boolean(),
    archived: z.boolean(),
    notifications: z.boolean(),
    theme: z.string().nullable(),
    emoji: z.string().nullable(),
  })
  .meta({ id: 'ChatSettings' })

const chatPermissions = z
  .object({ sendMessages: audience, editInfo: audience, addMembers: audience, pinMessages: audience })
  .meta({ id: 'ChatPermissions' })

export const chat = z
  .object({
    id: z.string(),
    type: z.enum(['direct', 'group', 'broadcast']),
    name: z.string().nullable(),
    description: z.string().nullable(),
    avatarUrl: z.string().nullable(),
    createdBy: z.string(),
    participantCount: z.number().int(),
    participants: z.array(participant).optional(),
    visible: z.array(z.object({ from: z.number().int(), to: z.number().int().nullable() })).optional(),
    lastMessage: z
      .object({
        id: z.string(),
        seq: z.number().int(),
        senderId: z.string().nullable(),
        type: z.string(),
        preview: z.string().nullable(),
        createdAt: timestamp,
      })
      .nullable(),
    lastMessageAt: timestamp.nullable(),
    lastSeq: z.number().int(),
    rev: z.number().int(),
    readSeq: z.number().int(),
    deliveredSeq: z.number().int(),
    unreadCount: z.number().int(),
    myRole: role.nullable(),
    settings: chatSettings,
    permissions: chatPermissions,
    disappearingSeconds: z.number().int().nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Chat' })

export const participantsChanged = z.object({
  participants: z.array(participant),
  seq: z.number().int().nullable(),
})

export const changeSeq = z.object({ seq: z.number().int().nullable() })

export type ChatView = z.output<typeof chat>
export type ParticipantView = z.output<typeof participant>

export const participantExample = {
  userId: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
  role: 'owner',
  joinedAt: '2026-11-20T08:15:30.123Z',
  joinedSeq: 1,
  nickname: null,
}

export const chatExample = {
  id: 'chat_Zk3vYq0t8mXb1cJpL5hRwA',
  type: 'group',
  name: 'Sunday football',
  description: 'Ten o’clock, the usual field',
  avatarUrl: null,
  createdBy: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
  participantCount: 3,
  participants: [participantExample],
  visible: [{ from: 1, to: null }],
  lastMessage: {
    id: 'msg_8mXb1cJpL5hRwAZk3vYq0t',
    seq: 2,
    senderId: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
    type: 'text',
    preview: 'Who brings the ball?',
    createdAt: '2026-11-20T08:16:02.004Z',
  },
  lastMessageAt: '2026-11-20T08:16:02.004Z',
  lastSeq: 2,
  rev: 2,
  readSeq: 1,
  deliveredSeq: 2,
  unreadCount: 1,
  myRole: 'member',
  settings: {
    muted: false,
    mutedUntil: null,
    pinned: false,
    archived: false,
    notifications: true,
    theme: null,
    emoji: null,
  },
  permissions: { sendMessages: 'everyone', editInfo: 'admins', addMembers: 'admins', pinMessages: 'admins' },
  disappearingSeconds: null,
  createdAt: '2026-11-20T08:15:30.123Z',
  updatedAt: '2026-11-20T08:16:02.004Z',
} as const
