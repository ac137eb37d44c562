/**
 * Changes of a message that is there: each takes the chat's next revision and no place. Two guards make it exact on
 * any number of nodes: the message must still be the one that was looked at, and the revision must be free.
 */
import type { UpdateFilter } from 'mongodb'
import {
  canSee,
  Overtaken,
  REVS_KEPT,
  toFanout,
  toMessage,
  versionToKeep,
  withheldFrom,
  type ChatState,
  type MessageStatus,
  type MessageView,
  type Telling,
} from '../../chat-log/index.ts'
import type { Ctx } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import type { ChatDoc, MemberDoc, MessageDoc } from '../../stores/mongo.ts'
import type { DeviceActor } from '../../wire/actor.ts'
import { requireMember } from '../chats/index.ts'
import { ownStatuses, requireMessage } from './history.ts'

/** One for each change behind a removal; whoever left before the oldest one kept sees the message no more. */
const VERSIONS_KEPT = 20

export interface MessageTarget {
  chatId: string
  messageId: string
}

/** A message as its change finds it. */
export interface Found {
  doc: MessageDoc
  chat: ChatDoc
  /** The one who changes it, as a present member. */
  member: MemberDoc
  at: Date
  /** Those who blocked him: what he adds to the message does not reach them. */
  withheldFor: string[]
}

export interface MessageChange {
  set?: Partial<MessageDoc>
  unset?: Array<keyof MessageDoc>
  push?: { edits?: NonNullable<MessageDoc['edits']>[number]; voidFor?: string }
  /** `status` is what the message's sender sees, where it was he who changed it. */
  tell(after: MessageDoc, members: MemberDoc[], status: MessageStatus): Telling[]
}

/** Decides on the message as of the revision that it takes. `decide` gives null where nothing is to be changed. */
export async function changeMessage(
  ctx: Ctx,
  actor: DeviceActor,
  target: MessageTarget,
  decide: (found: Found) => MessageChange | null,
): Promise<MessageView> {
  const access = await requireMember(ctx, actor, target.chatId)
  // Read before the chat's line: in it every round trip gives other nodes time to be faster.
  let doc: MessageDoc | null = await requireMessage(ctx, access, target.messageId)
  const status = (await ownStatuses(ctx, actor, access, [doc]))(doc)
  const changed = await ctx.chatLog.change(access.chatHex, async (state) => {
    const member = state.members.get(actor.userId)
    if (!member) throw notFound('chat')
    const withheldFor = withheldFrom(ctx.blocks, state, actor.userId)
    doc ??= await requireMessage(ctx, access, target.messageId)
    const found = doc
    if (!canSee(member, found.seq)) throw notFound('message')
    const at = ctx.clock.now()
    const change = decide({ doc: found, chat: state.chat, member, at, withheldFor })
    if (!change) return { value: found, fanout: null }
    const after = await write(ctx, found, state, change)
    if (!after) {
      doc = null
      throw new Overtaken()
    }
    const tellings = change.tell(after, [...state.members.values()], status)
    const fanout = toFanout(access.chatHex, { from: after.rev, to: after.rev }, tellings)
    const isNewest = after.seq >= state.seq
    return { value: after, fanout, sameMembers: true, ...(isNewest ? { message: after } : {}) }
  })
  return toMessage(ctx.ids, changed, { userId: actor.userId, status })
}

/** Null where the message is no longer as it was. Throws where the revision is taken. */
async function write(
  ctx: Ctx,
  doc: MessageDoc,
  state: ChatState,
  { set, unset, push }: MessageChange,
): Promise<MessageDoc | null> {
  const rev = state.rev + 1
  // The unique index keeps a revision from a second message only, not from the same one twice.
  if (doc.rev >= rev) throw new Overtaken()
  const version = unset?.includes('versions') ? null : versionToKeep(doc, state.chat)
  const update: UpdateFilter<MessageDoc> = {
    $set: { ...set, rev },
    // The sweep looks for it by the database's time.
    $currentDate: { changedAt: true },
    $push: {
      revs: { $each: [rev], $slice: -REVS_KEPT },
      ...push,
      ...(version ? { versions: { $each: [version], $slice: -VERSIONS_KEPT } } : {}),
    },
    ...(unset ? { $unset: Object.fromEntries(unset.map((field) => [field, true])) } : {}),
  }
  return ctx.mongo.messages.findOneAndUpdate({ _id: doc._id, rev: doc.rev }, update, {
    returnDocument: 'after',
  })
}
