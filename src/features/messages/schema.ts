/** Inputs and outputs of the message operations (API.md §5). */
import { z } from 'zod'
import { LIMITS } from '../../lib/limits.ts'
import { isEmoji } from './emoji.ts'
import { clientMessageId, limit, messagePage, opaqueId, text, timestamp, uuid } from '../../wire/fields.ts'
import { conditional } from '../../wire/json-schemas.ts'

export const chatPath = z.strictObject({ chatId: opaqueId('chat') })
export const messagePath = z.strictObject({ chatId: opaqueId('chat'), messageId: opaqueId('msg') })

const phoneNumber = text(3, 20)

const location = z
  .strictObject({
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
    accuracy: z.number().min(0).max(100_000).optional(),
    name: text(1, 200).optional(),
    address: text(1, 500).optional(),
  })
  .meta({ id: 'Location' })

const contact = z
  .strictObject({ name: text(1, 200), phoneNumber, userId: uuid.optional() })
  .meta({ id: 'ContactCard' })

const sendFields = {
  clientMessageId,
  type: z.enum(['text', 'location', 'contact']).default('text'),
  content: text(1, LIMITS.messageCharacters).optional(),
  replyToId: opaqueId('msg').optional(),
  location: location.optional(),
  contact: contact.optional(),
  mentions: z.array(uuid).max(50).optional(),
}

type Kind = 'text' | 'location' | 'contact'

/** Each type of message has its own field, and only that. */
function oneKind(
  body: { type: Kind; content?: unknown; location?: unknown; contact?: unknown },
  ctx: z.core.$RefinementCtx,
) {
  const own = body.type === 'text' ? 'content' : body.type
  if (body[own] === undefined)
    ctx.addIssue({ code: 'custom', path: [own], message: `is required for type ${body.type}` })
  for (const other of ['location', 'contact'] as const)
    if (other !== own && body[other] !== undefined)
      ctx.addIssue({ code: 'custom', path: [other], message: `does not belong to type ${body.type}` })
}

/** The same as JSON Schema says it; a body without a type is a text. */
const oneKindSchema = {
  allOf: [
    conditional(
      { properties: { type: { const: 'text' } } },
      { required: ['content'], properties: { location: false, contact: false } },
    ),
    ...(['location', 'contact'] as const).map((own) =>
      conditional(
        { required: ['type'], properties: { type: { const: own } } },
        { required: [own], properties: { [own === 'location' ? 'contact' : 'location']: false } },
      ),
    ),
  ],
}

export const sendBody = z.strictObject(sendFields).superRefine(oneKind).meta(oneKindSchema)
export const sendToUserBody = z
  .strictObject({ receiverId: uuid, ...sendFields })
  .superRefine(oneKind)
  .meta(oneKindSchema)
export const sendFrame = z
  .strictObject({ chatId: opaqueId('chat'), ...sendFields })
  .superRefine(oneKind)
  .meta(oneKindSchema)

export type SendMessage = z.output<typeof sendBody>

const place = z.string().meta({
  description: 'a message id or a seq',
  pattern: '^(\\d{1,15}|msg_[A-Za-z0-9_-]{1,35})$',
  examples: ['40'],
})
export const historyQuery = z
  .strictObject({ ...messagePage, before: place.optional(), after: place.optional() })
  .refine((query) => query.before === undefined || query.after === undefined, {
    message: 'give before or after, not both',
    path: ['after'],
  })
export const changesQuery = z.strictObject({
  since: z
    .string()
    .regex(/^\d{1,15}$/, 'must be a revision')
    .transform(Number)
    .meta({ type: 'integer', minimum: 0, maximum: 999_999_999_999_999 }),
  limit: limit(LIMITS.messagePageMax, LIMITS.pageMax),
})

export const upToBody = z.strictObject({
  upTo: z.union([z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), opaqueId('msg')]),
})
export const readFrame = z.strictObject({ chatId: opaqueId('chat'), upTo: upToBody.shape.upTo })

export const message = z
  .object({
    id: z.string(),
    chatId: z.string(),
    seq: z.number().int(),
    rev: z.number().int(),
    senderId: z.string().nullable(),
    clientMessageId: z.string().nullable(),
    type: z.enum([
      'text',
      'image',
      'video',
      'audio',
      'file',
      'location',
      'contact',
      'sticker',
      'gif',
      'poll',
      'call',
      'system',
      'encrypted',
      'void',
    ]),
    content: z.string().nullable(),
    media: z.null(),
    location: z.record(z.string(), z.unknown()).nullable(),
    contact: z.record(z.string(), z.unknown()).nullable(),
    poll: z.null(),
    callData: z.record(z.string(), z.unknown()).nullable(),
    replyTo: z
      .object({ id: z.string(), senderId: z.string(), type: z.string(), preview: z.string().nullable() })
      .nullable(),
    threadId: z.null(),
    forwarded: z.null(),
    mentions: z.array(z.string()),
    system: z.record(z.string(), z.unknown()).nullable(),
    reactions: z.array(z.object({ emoji: z.string(), count: z.number().int(), mine: z.boolean() })),
    pinned: z.boolean(),
    starred: z.boolean(),
    isEdited: z.boolean(),
    editedAt: timestamp.nullable(),
    isDeleted: z.boolean(),
    expiresAt: z.null(),
    status: z.enum(['sent', 'delivered', 'read']).nullable(),
    createdAt: timestamp,
    updatedAt: timestamp.nullable(),
  })
  .meta({ id: 'Message' })

export const marks = z
  .object({
    chatId: z.string(),
    readSeq: z.number().int(),
    deliveredSeq: z.number().int(),
    unreadCount: z.number().int(),
  })
  .meta({ id: 'Marks' })

const changeable = { chatId: opaqueId('chat'), messageId: opaqueId('msg') }
const editFields = { content: text(1, LIMITS.messageCharacters) }
const emoji = z
  .string()
  .refine((value) => Buffer.byteLength(value) <= LIMITS.emojiBytes && isEmoji(value), {
    message: `must be one emoji of at most ${LIMITS.emojiBytes} bytes`,
  })
  .meta({
    type: 'string',
    description: `one emoji of at most ${LIMITS.emojiBytes} bytes`,
    minLength: 1,
    maxLength: LIMITS.emojiBytes,
    examples: ['👍'],
  })

export const editBody = z.strictObject(editFields)
export const editFrame = z.strictObject({ ...changeable, ...editFields })
export const deleteQuery = z.strictObject({
  forEveryone: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .meta({ examples: ['true'] }),
})
export const deleteFrame = z.strictObject({ ...changeable, forEveryone: z.boolean().default(false) })
export const reactionBody = z.strictObject({ emoji })
export const reactionPath = z.strictObject({
  ...changeable,
  emoji: z.string().meta({ examples: ['👍'] }),
})
export const reactionFrame = z.strictObject({
  ...changeable,
  emoji: emoji.nullable().meta({ description: 'null withdraws the reaction' }),
})

/** One edit: the text that it replaced, and when. */
export const edits = z.array(z.object({ content: z.string().nullable(), at: timestamp }).meta({ id: 'Edit' }))
export const editsExample = [{ content: 'Who brings teh ball?', at: '2026-11-20T08:18:00.000Z' }]

const receipt = z.object({ userId: z.string(), at: timestamp })
export const receipts = z
  .object({ delivered: z.array(receipt), read: z.array(receipt) })
  .meta({ id: 'Receipts' })

export const changes = z
  .object({ messages: z.array(message), rev: z.number().int(), hasMore: z.boolean() })
  .meta({ id: 'Changes' })

export const messageExample = {
  id: 'msg_8mXb1cJpL5hRwAZk3vYq0t',
  chatId: 'chat_Zk3vYq0t8mXb1cJpL5hRwA',
  seq: 2,
  rev: 2,
  senderId: '0199d1a2-7c54-7c3e-9f0a-2b6d1c8e4f10',
  clientMessageId: 'phone-7.41',
  type: 'text',
  content: 'Who brings the ball?',
  media: null,
  location: null,
  contact: null,
  poll: null,
  callData: null,
  replyTo: null,
  threadId: null,
  forwarded: null,
  mentions: [],
  system: null,
  reactions: [],
  pinned: false,
  starred: false,
  isEdited: false,
  editedAt: null,
  isDeleted: false,
  expiresAt: null,
  status: 'sent',
  createdAt: '2026-11-20T08:16:02.004Z',
  updatedAt: '2026-11-20T08:16:02.004Z',
} as const

export const marksExample = {
  chatId: 'chat_Zk3vYq0t8mXb1cJpL5hRwA',
  readSeq: 2,
  deliveredSeq: 2,
  unreadCount: 0,
}
