/** Joining and leaving of groups, and ranks. Repeating what is already so is a success without effect. */
import { leftWith, type ChatState } from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { denied, invalid, notFound } from '../../lib/errors.ts'
import type { ChatDoc, MemberDoc, Role } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { requireMember } from './access.ts'
import { createdPayload, newMember, requireAddable } from './create.ts'
import { changeGroup, type GroupChange, type GroupEvent } from './group-change.ts'
import { heirOf, mayAdd, mayRank, mayRemove } from './roles.ts'
import { activeMembers, toParticipant } from './view.ts'

export async function addParticipants(ctx: Ctx, actor: DeviceActor, chatId: string, userIds: string[]) {
  const { chatHex, chatId: _id } = await requireGroup(ctx, actor, chatId)
  const wanted = [...new Set(userIds)]
  const before = new Set((await activeMembers(ctx, _id)).map((member) => member.userId))
  await requireAddable(
    ctx,
    actor,
    wanted.filter((id) => !before.has(id)),
  )
  const seq = await changeGroup(ctx, chatHex, actor.userId, async (state) => {
    const me = requireIn(state, actor.userId)
    if (!mayAdd(state.chat, me)) throw denied('Only admins may add people to this group.')
    const fresh = wanted.filter((id) => !state.members.has(id))
    if (fresh.length === 0) return null
    if (state.members.size + fresh.length > ctx.config.GROUP_MEMBERS_MAX)
      throw invalid('userIds', `a group has at most ${ctx.config.GROUP_MEMBERS_MAX} members`)
    // As of this place: whoever is out by now left before it.
    const returning = await ctx.mongo.members.find({ chatId: _id, userId: { $in: fresh } }).toArray()
    return adding(
      ctx,
      actor.userId,
      state,
      fresh.map((id) => joining(ctx, state, id, returning)),
    )
  })
  return { participants: (await activeMembers(ctx, _id)).map(toParticipant), seq }
}

export async function removeParticipant(ctx: Ctx, actor: DeviceActor, chatId: string, userId: string) {
  const { chatHex, chatId: _id } = await requireGroup(ctx, actor, chatId)
  const known = await ctx.mongo.members.findOne({ chatId: _id, userId })
  if (!known) throw notFound('participant')
  const seq = await changeGroup(ctx, chatHex, actor.userId, (state) => {
    const me = requireIn(state, actor.userId)
    const leaving = state.members.get(userId)
    if (!leaving) return null
    if (userId !== actor.userId && !mayRemove(me, leaving))
      throw denied('Your role does not allow removing this person.')
    return removing(ctx, actor.userId, state, leaving)
  })
  return { seq }
}

export async function setRole(ctx: Ctx, actor: DeviceActor, chatId: string, userId: string, role: Role) {
  const { chatHex, chatId: _id } = await requireGroup(ctx, actor, chatId)
  const seq = await changeGroup(ctx, chatHex, actor.userId, (state) => {
    const me = requireIn(state, actor.userId)
    const ranked = state.members.get(userId)
    if (!ranked) throw notFound('participant')
    if (!mayRank(me, ranked, role)) throw denied('Your role does not allow giving this role to this person.')
    if (ranked.role === role) return null
    const owners = [...state.members.values()].filter((member) => member.role === 'owner')
    if (ranked.role === 'owner' && owners.length === 1)
      throw denied('A group keeps at least one owner: make another one first.')
    return ranking(ctx, actor.userId, state, ranked, role)
  })
  return { participants: (await activeMembers(ctx, _id)).map(toParticipant), seq }
}

/** Direct chats have two people for good. */
async function requireGroup(ctx: Ctx, actor: DeviceActor, chatId: string) {
  const access = await requireMember(ctx, actor, chatId)
  if (access.chat.type === 'direct') throw denied('A direct chat keeps its two people.')
  return access
}

function requireIn(state: ChatState, userId: string): MemberDoc {
  const member = state.members.get(userId)
  if (!member) throw notFound('chat')
  return member
}

/** A new member's document, or the old one of someone who comes back: his earlier interval and marks are there again. */
function joining(ctx: Ctx, state: ChatState, userId: string, returning: MemberDoc[]): MemberDoc {
  const fresh = newMember(ctx, state.chat._id, userId, 'member', state.seq + 1)
  const old = returning.find((member) => member.userId === userId)
  if (!old) return fresh
  const { left: _, ...kept } = old
  return {
    ...kept,
    active: true,
    role: 'member',
    joinedAt: fresh.joinedAt,
    joinedSeq: fresh.joinedSeq,
    visible: [...old.visible, ...fresh.visible],
  }
}

function adding(ctx: Ctx, actorId: string, state: ChatState, added: MemberDoc[]): GroupChange {
  const before = [...state.members.keys()]
  const userIds = added.map((member) => member.userId)
  const participants = [...before, ...userIds]
  const chatId = ctx.ids.chat.encode(state.chat._id.toHexString())
  return {
    note: { kind: 'member_added', userIds },
    audience: participants,
    write: async (session) => {
      await ctx.mongo.members.bulkWrite(
        added.map((member) => ({
          replaceOne: {
            filter: { chatId: member.chatId, userId: member.userId },
            replacement: member,
            upsert: true,
          },
        })),
        { session },
      )
      await ctx.mongo.chats.updateOne(
        { _id: state.chat._id },
        { $addToSet: { participants: { $each: userIds } }, $pull: { former: { $in: userIds } } },
        { session },
      )
    },
    events: (message) => {
      const chat: ChatDoc = { ...state.chat, participants }
      const members = [...state.members.values(), ...added]
      const head = { last: message, rev: message.rev }
      const events: GroupEvent[] = []
      for (const member of added) {
        const view = JSON.parse(
          createdPayload(ctx, { chat, member, head, members }).slice('chat:created '.length),
        ) as Record<string, unknown>
        events.push({ userIds: [member.userId], event: 'chat:created', data: view })
        events.push({
          userIds: participants,
          event: 'chat:participant:joined',
          data: { chatId, participant: toParticipant(member), addedBy: actorId, seq: message.seq },
        })
      }
      return events
    },
  }
}

function removing(ctx: Ctx, actorId: string, state: ChatState, leaving: MemberDoc): GroupChange {
  const itself = actorId === leaving.userId
  const heir = heirOf(state.members.values(), leaving)
  const chatId = ctx.ids.chat.encode(state.chat._id.toHexString())
  const audience = [...state.members.keys()]
  return {
    note: {
      kind: itself ? 'member_left' : 'member_removed',
      userIds: [leaving.userId],
      ...(heir ? { newOwnerId: heir.userId } : {}),
    },
    audience,
    write: async (session, { seq, rev, createdAt }) => {
      const visible = leaving.visible.map((interval) =>
        interval.to === null ? { ...interval, to: seq } : interval,
      )
      await ctx.mongo.members.updateOne(
        { _id: leaving._id },
        { $set: { active: false, role: 'member', visible, left: leftWith(state.chat, rev, createdAt) } },
        { session },
      )
      if (heir) await ctx.mongo.members.updateOne({ _id: heir._id }, { $set: { role: 'owner' } }, { session })
      await ctx.mongo.chats.updateOne(
        { _id: state.chat._id },
        {
          $set: { leftRev: rev },
          $pull: { participants: leaving.userId },
          $addToSet: { former: leaving.userId },
        },
        { session },
      )
    },
    events: (message) => {
      const events: GroupEvent[] = [
        {
          userIds: audience,
          event: 'chat:participant:left',
          data: { chatId, userId: leaving.userId, removedBy: itself ? null : actorId, seq: message.seq },
        },
      ]
      if (heir)
        events.push({
          userIds: audience.filter((id) => id !== leaving.userId),
          event: 'chat:participant:role_changed',
          data: { chatId, userId: heir.userId, role: 'owner', changedBy: actorId, seq: message.seq },
        })
      return events
    },
  }
}

function ranking(ctx: Ctx, actorId: string, state: ChatState, ranked: MemberDoc, role: Role): GroupChange {
  const audience = [...state.members.keys()]
  const chatId = ctx.ids.chat.encode(state.chat._id.toHexString())
  return {
    note: { kind: 'role_changed', userIds: [ranked.userId], role },
    audience,
    write: async (session) => {
      await ctx.mongo.members.updateOne({ _id: ranked._id }, { $set: { role } }, { session })
    },
    events: (message) => [
      {
        userIds: audience,
        event: 'chat:participant:role_changed',
        data: { chatId, userId: ranked.userId, role, changedBy: actorId, seq: message.seq },
      },
    ],
  }
}
