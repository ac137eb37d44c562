/** Who may do what in a chat (API.md §11, "Roles"). */
import type { Audience, ChatDoc, MemberDoc, Role } from '../../stores/mongo.ts'

const RANK: Record<Role, number> = { member: 0, moderator: 1, admin: 2, owner: 3 }

export const isAdmin = (member: MemberDoc): boolean => RANK[member.role] >= RANK.admin

/** A group may open something to everyone; admins may always, moderators what the table gives them. */
function allowed(audience: Audience, member: MemberDoc, least: Role): boolean {
  return audience === 'everyone' || RANK[member.role] >= RANK[least]
}

export const maySend = (chat: ChatDoc, member: MemberDoc): boolean =>
  allowed(chat.permissions.sendMessages, member, 'admin')

export const mayEditInfo = (chat: ChatDoc, member: MemberDoc): boolean =>
  allowed(chat.permissions.editInfo, member, 'admin')

export const mayAdd = (chat: ChatDoc, member: MemberDoc): boolean =>
  allowed(chat.permissions.addMembers, member, 'moderator')

/** Owners remove anyone, admins everyone but owners, moderators members. */
export function mayRemove(remover: MemberDoc, removed: MemberDoc): boolean {
  if (remover.role === 'owner') return true
  if (remover.role === 'admin') return removed.role !== 'owner'
  return remover.role === 'moderator' && removed.role === 'member'
}

/** They delete anyone's message, at any time. In a direct chat both are members. */
export const mayModerate = (member: MemberDoc): boolean => RANK[member.role] >= RANK.moderator

/** Owners give any role; admins re-rank everyone but owners, up to admin. */
export function mayRank(ranker: MemberDoc, ranked: MemberDoc, role: Role): boolean {
  if (ranker.role === 'owner') return true
  return ranker.role === 'admin' && ranked.role !== 'owner' && role !== 'owner'
}

/** Who owns the group when its last owner leaves: the longest-standing admin, else the longest-standing member. */
export function heirOf(members: Iterable<MemberDoc>, leaving: MemberDoc): MemberDoc | null {
  const rest = [...members].filter((member) => member.userId !== leaving.userId)
  if (leaving.role !== 'owner' || rest.some((member) => member.role === 'owner')) return null
  rest.sort(
    (a, b) =>
      a.joinedAt.getTime() - b.joinedAt.getTime() || (a._id.toHexString() < b._id.toHexString() ? -1 : 1),
  )
  return rest.find((member) => member.role === 'admin') ?? rest[0] ?? null
}
