// What the stores hold at the end of a run: the truth by which everything that was seen is judged.
import { MongoClient, type ObjectId } from 'mongodb'
import postgres from 'postgres'

export type TruthMessage = {
  seq: number
  rev: number
  /** The revision of the insert; null where it is no longer kept. */
  firstRev: number | null
  senderId: string
  clientId: string | null
  type: string
  content: string | null
  isDeleted: boolean
  edits: string[]
  reactions: Array<{ emoji: string; userId: string }>
  voidFor: string[]
}

export type TruthMember = {
  userId: string
  isActive: boolean
  visible: Array<{ from: number; to: number | null }>
  readSeq: number
  deliveredSeq: number
}

export type TruthChat = {
  type: string
  /** A group's name; null for a direct chat, which goes by its people. */
  name: string | null
  participants: string[]
  members: TruthMember[]
  /** Ascending by place. */
  messages: TruthMessage[]
}

export type Truth = {
  chats: TruthChat[]
  blocks: Array<{ blockerId: string; blockedId: string; isActive: boolean }>
}

type ChatDoc = { _id: ObjectId; type: string; name: string | null; participants: string[]; former: string[] }
type MemberDoc = Omit<TruthMember, 'isActive'> & { chatId: ObjectId; active: boolean }
type MessageDoc = {
  chatId: ObjectId
  seq: number
  rev: number
  revs: number[]
  senderId: string
  clientMessageId?: string
  messageType: string
  message: string | null
  deletedAt?: Date
  edits?: Array<{ content: string | null }>
  reactions?: Array<{ emoji: string; userId: string }>
  voidFor?: string[]
}

/** The server keeps the newest revisions of a message; with fewer than this the first is among them. */
const REVS_KEPT = 500

/** Reads all chats, their members and messages, and the blocks. */
export async function readTruth(mongoUrl: string, databaseUrl: string): Promise<Truth> {
  const client = await MongoClient.connect(mongoUrl, { readConcernLevel: 'majority' })
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  try {
    const db = client.db()
    const chats = new Map<string, TruthChat>()
    for await (const { _id, type, name, participants, former } of db.collection<ChatDoc>('chats').find()) {
      const people = type === 'direct' ? participants : [...participants, ...(former ?? [])]
      chats.set(_id.toHexString(), { type, name, participants: people, members: [], messages: [] })
    }
    for await (const { chatId, active, ...member } of db.collection<MemberDoc>('members').find()) {
      const { userId, visible, readSeq, deliveredSeq } = member
      chats
        .get(chatId.toHexString())
        ?.members.push({ userId, isActive: active, visible, readSeq, deliveredSeq })
    }
    for await (const doc of db.collection<MessageDoc>('messages').find()) {
      chats.get(doc.chatId.toHexString())?.messages.push(toMessage(doc))
    }
    // Not sorted by the store: an index that a broken server lacks must not keep the truth from being read.
    for (const chat of chats.values()) chat.messages.sort((a, b) => a.seq - b.seq)
    const rows = await sql<Array<{ blocker: string; blocked: string; active: boolean }>>`
      select blocker_id as blocker, blocked_id as blocked, active from blocks`
    const blocks = rows.map((row) => ({
      blockerId: row.blocker,
      blockedId: row.blocked,
      isActive: row.active,
    }))
    return { chats: [...chats.values()], blocks }
  } finally {
    await Promise.all([client.close(), sql.end()])
  }
}

function toMessage(doc: MessageDoc): TruthMessage {
  return {
    seq: doc.seq,
    rev: doc.rev,
    firstRev: doc.revs.length < REVS_KEPT ? (doc.revs[0] ?? null) : null,
    senderId: doc.senderId,
    clientId: doc.clientMessageId ?? null,
    type: doc.messageType,
    content: doc.message,
    isDeleted: doc.deletedAt !== undefined,
    edits: (doc.edits ?? []).map((edit) => edit.content ?? ''),
    reactions: (doc.reactions ?? []).map(({ emoji, userId }) => ({ emoji, userId })),
    voidFor: doc.voidFor ?? [],
  }
}
