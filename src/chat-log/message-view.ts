/** A stored message as clients see it (API.md §5). */
import type { Ids } from '../lib/ids.ts'
import type { MemberDoc, MessageDoc } from '../stores/mongo.ts'

export type MessageStatus = 'sent' | 'delivered' | 'read'

export interface MessageView {
  id: string
  chatId: string
  seq: number
  rev: number
  senderId: string | null
  clientMessageId: string | null
  type: string
  content: string | null
  media: null
  location: Record<string, unknown> | null
  contact: Record<string, unknown> | null
  poll: null
  callData: Record<string, unknown> | null
  replyTo: { id: string; senderId: string; type: string; preview: string | null } | null
  threadId: null
  forwarded: null
  mentions: string[]
  system: Record<string, unknown> | null
  reactions: Array<{ emoji: string; count: number; mine: boolean }>
  pinned: boolean
  starred: boolean
  isEdited: boolean
  editedAt: string | null
  isDeleted: boolean
  expiresAt: null
  status: MessageStatus | null
  createdAt: string
  updatedAt: string | null
}

/** Everyone's view of a fresh message, and any viewer's view given what differs by viewer. */
export function toMessage(
  ids: Ids,
  doc: MessageDoc,
  viewer: { userId?: string; status?: MessageStatus } = {},
): MessageView {
  if (viewer.userId !== undefined && isVoidFor(doc, viewer.userId)) return voidMessage(ids, doc)
  const deleted = doc.deletedAt !== undefined
  const { content, editedAt } = textFor(doc, viewer.userId)
  // Field by field: spreading an object into one of this many fields costs twenty times as much.
  return {
    id: ids.message.encode(doc._id.toHexString()),
    chatId: ids.chat.encode(doc.chatId.toHexString()),
    seq: doc.seq,
    rev: doc.rev,
    senderId: doc.senderId,
    clientMessageId: doc.clientMessageId ?? null,
    type: doc.messageType,
    content: deleted ? null : content,
    media: null,
    location: deleted ? null : (doc.location ?? null),
    contact: deleted ? null : (doc.contact ?? null),
    poll: null,
    callData: doc.callData,
    replyTo:
      doc.replyTo && !doc.replyTo.withheldFor?.includes(viewer.userId ?? '')
        ? {
            id: ids.message.encode(doc.replyTo.id.toHexString()),
            senderId: doc.replyTo.senderId,
            type: doc.replyTo.type,
            preview: doc.replyTo.preview,
          }
        : null,
    threadId: null,
    forwarded: null,
    mentions: deleted ? [] : (doc.mentions ?? []),
    system: doc.system ?? null,
    reactions: deleted ? [] : reactionsFor(doc, viewer.userId),
    pinned: false,
    starred: false,
    isEdited: editedAt !== null,
    editedAt: editedAt?.toISOString() ?? null,
    isDeleted: deleted,
    expiresAt: null,
    status: viewer.status ?? 'sent',
    createdAt: doc.createdAt.toISOString(),
    updatedAt: (isPartlyWithheld(doc, viewer.userId)
      ? (editedAt ?? doc.createdAt)
      : doc.updatedAt
    ).toISOString(),
  }
}

/** A place that carries nothing for this viewer; his clients skip it. */
function voidMessage(ids: Ids, doc: MessageDoc): MessageView {
  return {
    id: ids.message.encode(doc._id.toHexString()),
    chatId: ids.chat.encode(doc.chatId.toHexString()),
    seq: doc.seq,
    rev: doc.rev,
    senderId: null,
    clientMessageId: null,
    type: 'void',
    content: null,
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
    status: null,
    createdAt: doc.createdAt.toISOString(),
    updatedAt: null,
  }
}

/** The text without the edits that are withheld from the viewer, and when it was last edited. */
function textFor(
  { message, edits = [], editedAt }: MessageDoc,
  userId: string | undefined,
): { content: string | null; editedAt: Date | null } {
  const last = edits.findLastIndex((edit) => !isWithheld(edit, userId))
  const replaced = edits[last + 1]
  return replaced
    ? { content: replaced.content, editedAt: edits[last]?.at ?? null }
    : { content: message, editedAt: editedAt ?? null }
}

const isWithheld = (part: { withheldFor?: string[] }, userId: string | undefined): boolean =>
  userId !== undefined && part.withheldFor?.includes(userId) === true

/** Whether the viewer is kept from something that a blocked person did to the message later. */
export const isPartlyWithheld = (doc: MessageDoc, userId: string | undefined): boolean =>
  [...(doc.edits ?? []), ...(doc.reactions ?? [])].some((part) => isWithheld(part, userId))

/** In the order in which each emoji was first given. */
function reactionsFor(doc: MessageDoc, userId: string | undefined): MessageView['reactions'] {
  const byEmoji = new Map<string, MessageView['reactions'][number]>()
  for (const reaction of doc.reactions ?? []) {
    if (isWithheld(reaction, userId)) continue
    const counted = byEmoji.get(reaction.emoji) ?? { emoji: reaction.emoji, count: 0, mine: false }
    counted.count += 1
    counted.mine ||= reaction.userId === userId
    byEmoji.set(reaction.emoji, counted)
  }
  return [...byEmoji.values()]
}

/** For the sender: the least of what all other members did with it. From whom it was withheld never has it. */
export function statusOf(
  { seq, senderId, withheldFor }: Pick<MessageDoc, 'seq' | 'senderId' | 'withheldFor'>,
  members: Iterable<MemberDoc>,
): MessageStatus {
  let least: MessageStatus = 'read'
  let others = 0
  for (const member of members) {
    if (member.userId === senderId || !canSee(member, seq)) continue
    if (withheldFor?.includes(member.userId)) return 'sent'
    others += 1
    if (member.deliveredSeq < seq && member.readSeq < seq) return 'sent'
    if (member.readSeq < seq) least = 'delivered'
  }
  return others === 0 ? 'sent' : least
}

export const canSee = (member: MemberDoc, seq: number): boolean =>
  member.visible.some(({ from, to }) => seq >= from && (to === null || seq <= to))

/** Whether the place carries nothing for this viewer: a blocked sender's, or deleted by the viewer for himself. */
export const isVoidFor = (doc: MessageDoc, userId: string): boolean => doc.voidFor?.includes(userId) === true

/** The beginning of its text, as the viewer sees it. */
export function preview(doc: MessageDoc, max: number, userId?: string): string | null {
  const { content } = textFor(doc, userId)
  if (doc.deletedAt || content === null) return null
  const points = Array.from(content)
  return points.length <= max ? content : `${points.slice(0, max - 1).join('')}…`
}
