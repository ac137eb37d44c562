/**
 * What who is out of a chat sees of it: everything as it was when he left. A message that is changed after that keeps
 * its version from before; only what was deleted for everyone is gone for him too.
 */
import type { ChatDoc, ChatInfo, MemberDoc, MessageDoc, MessageVersion } from '../stores/mongo.ts'

/** The message as the viewer may know it; for present members as it is. */
export function asLeft(doc: MessageDoc, { left }: MemberDoc): MessageDoc {
  if (!left || doc.rev <= left.rev) return doc
  const rev = doc.revs.findLast((taken) => taken <= left.rev) ?? left.rev
  const version = doc.versions?.findLast((kept) => kept.rev <= left.rev)
  if (!version) return { ...doc, rev, message: null, deletedAt: left.at, edits: [], updatedAt: doc.createdAt }
  const { message, updatedAt, editedAt, reactions = [], edits } = version
  const then: MessageDoc = {
    ...doc,
    rev,
    message,
    updatedAt,
    reactions,
    edits: doc.edits?.slice(0, edits) ?? [],
  }
  delete then.editedAt
  return editedAt ? { ...then, editedAt } : then
}

/** What a change has to keep of the message: nothing, unless someone left since it was changed last. */
export function versionToKeep(doc: MessageDoc, chat: ChatDoc): MessageVersion | null {
  if (chat.leftRev === undefined || doc.rev > chat.leftRev) return null
  const { rev, message, updatedAt, editedAt, reactions, edits = [] } = doc
  return {
    rev,
    message,
    updatedAt,
    edits: edits.length,
    ...(editedAt ? { editedAt } : {}),
    ...(reactions ? { reactions } : {}),
  }
}

/** The chat's name and the like as the viewer may know them. */
export const infoFor = (chat: ChatDoc, { left }: MemberDoc): ChatInfo => left?.chat ?? chat

/** What someone leaving at a revision keeps seeing. */
export function leftWith(chat: ChatDoc, rev: number, at: Date): NonNullable<MemberDoc['left']> {
  const { name, description, avatarUrl, permissions, disappearingSeconds, updatedAt } = chat
  return { rev, at, chat: { name, description, avatarUrl, permissions, disappearingSeconds, updatedAt } }
}

/** How far a member had stored and read the chat when the viewer left. */
export function marksAsLeft(member: MemberDoc, { left }: MemberDoc): MemberDoc {
  if (!left) return member
  const readMarks = member.readMarks.filter(({ at }) => at <= left.at)
  const deliveredMarks = member.deliveredMarks.filter(({ at }) => at <= left.at)
  const readSeq = readMarks.at(-1)?.seq ?? 0
  const deliveredSeq = Math.max(readSeq, deliveredMarks.at(-1)?.seq ?? 0)
  return { ...member, readMarks, deliveredMarks, readSeq, deliveredSeq }
}
