/** What a node knows of a chat: who is in it and where its log ends, both as of the same place in the log. */
import { ObjectId } from 'mongodb'
import { notFound } from '../lib/errors.ts'
import type { ChatDoc, Collections, MemberDoc } from '../stores/mongo.ts'

export interface ChatState {
  chat: ChatDoc
  /** Present members only. */
  members: Map<string, MemberDoc>
  /** Their ids, joined: the form that fan-out takes. */
  recipients: string
  seq: number
  rev: number
  checkedAt: number
}

/**
 * Reads the head first and the members after it. So the members are never older than the head, and whoever appends
 * right behind this head has seen every change of membership before it; a change that came in between has taken the
 * place, and the append collides with it.
 */
export async function loadState(mongo: Collections, chatHex: string): Promise<ChatState> {
  const chatId = new ObjectId(chatHex)
  const { seq, rev } = await loadHead(mongo, chatId)
  const [chat, members] = await Promise.all([
    mongo.chats.findOne({ _id: chatId }),
    mongo.members.find({ chatId, active: true }).toArray(),
  ])
  if (!chat) throw notFound('chat')
  return {
    chat,
    members: new Map(members.map((member) => [member.userId, member])),
    recipients: members.map((member) => member.userId).join(''),
    seq,
    rev,
    checkedAt: performance.now(),
  }
}

/** The last places that a majority has. A message with the highest seq need not have the highest revision. */
export async function loadHead(mongo: Collections, chatId: ObjectId): Promise<{ seq: number; rev: number }> {
  const [last, newest] = await Promise.all([
    mongo.messages.findOne({ chatId }, { sort: { seq: -1 }, projection: { seq: 1 } }),
    mongo.messages.findOne({ chatId }, { sort: { rev: -1 }, projection: { rev: 1 } }),
  ])
  return { seq: last?.seq ?? 0, rev: newest?.rev ?? 0 }
}
