/** MongoDB: collections with their document types, majority in both directions, every call bounded in time. */
import { MongoClient, type Collection, type Db, type ObjectId } from 'mongodb'
import { LIMITS } from '../lib/limits.ts'
import { countCommand } from './metrics.ts'

export type ChatType = 'direct' | 'group' | 'broadcast'
export type Role = 'owner' | 'admin' | 'moderator' | 'member'
export type Audience = 'everyone' | 'admins'

export interface ChatPermissions {
  sendMessages: Audience
  editInfo: Audience
  addMembers: Audience
  pinMessages: Audience
}

/** What describes a chat beside its members. */
export interface ChatInfo {
  name: string | null
  description: string | null
  avatarUrl: string | null
  permissions: ChatPermissions
  disappearingSeconds: number | null
  updatedAt: Date
}

/** A chat. `participants` are its present members; `former` are those who left and still see it in their list. */
export interface ChatDoc extends ChatInfo {
  _id: ObjectId
  participants: string[]
  former: string[]
  type: ChatType
  /** The sorted pair of a direct chat: unique, so that two people have one. */
  directKey?: string
  createdBy: string
  /** Projection of the newest message, written behind; the log of messages is the truth. */
  lastMessage: string | null
  lastMessageAt: Date | null
  lastEntry: {
    id: ObjectId
    seq: number
    rev: number
    senderId: string
    type: string
    createdAt: Date
  } | null
  lastSeq: number
  /** How far fan-out got, written behind: where it starts again when Redis has forgotten. */
  fanRev: number
  /** The revision at which someone left last. */
  leftRev?: number
  createdAt: Date
  /** Made, or its info changed. */
  untold?: UntoldNote & { created?: true; changed?: true }
}

/** What a write outside of the log leaves to be told; gone once the event streams have it. */
export interface UntoldNote {
  /** The database's time of the newest change that is untold. */
  at: Date
  /** Of that change: another one has another. */
  version: ObjectId
}

export interface VisibleInterval {
  from: number
  to: number | null
}

export interface MemberSettings {
  muted: boolean
  mutedUntil: Date | null
  pinned: boolean
  archived: boolean
  notifications: boolean
  theme: string | null
  emoji: string | null
}

/** One person in one chat: role, what he may see, how far he stored and read, his own settings. */
export interface MemberDoc {
  _id: ObjectId
  chatId: ObjectId
  userId: string
  active: boolean
  role: Role
  nickname: string | null
  joinedAt: Date
  joinedSeq: number
  visible: VisibleInterval[]
  readSeq: number
  deliveredSeq: number
  /** When the marks moved, newest last: the times of per-message receipts. */
  readMarks: Array<{ seq: number; at: Date }>
  deliveredMarks: Array<{ seq: number; at: Date }>
  /** The chat is out of the caller's list until something newer than this happens. */
  hiddenSeq: number | null
  settings: MemberSettings
  /** Set while he is out: at which revision he left, and the chat as it was. */
  left?: { rev: number; at: Date; chat: ChatInfo }
  /** The marks from which on nobody may have heard of their moving; own settings; the chat taken out of the list. */
  untold?: UntoldNote & { read?: number; delivered?: number; settings?: true; hidden?: true }
}

export interface SystemNote {
  kind:
    | 'group_created'
    | 'member_joined'
    | 'member_added'
    | 'member_left'
    | 'member_removed'
    | 'role_changed'
    | 'info_changed'
    | 'settings_changed'
  userIds?: string[]
  [key: string]: unknown
}

/** A message as it was at a revision. `edits` is how many of its edits there were. */
export interface MessageVersion {
  rev: number
  message: string | null
  updatedAt: Date
  editedAt?: Date
  reactions?: NonNullable<MessageDoc['reactions']>
  edits: number
}

/** A place in a chat's log. `rev` is its last change, `revs` all of them: once taken, a revision is never given again. */
export interface MessageDoc {
  _id: ObjectId
  chatId: ObjectId
  seq: number
  rev: number
  revs: number[]
  senderId: string
  clientMessageId?: string
  /** Digest of the request, so that a repeat with another body is told from a repeat. */
  bodyDigest?: string
  message: string | null
  messageType: string
  readBy: string[]
  callData: Record<string, unknown> | null
  /** `withheldFor` are those from whom the quoted message was withheld. */
  replyTo?: { id: ObjectId; senderId: string; type: string; preview: string | null; withheldFor?: string[] }
  mentions?: string[]
  location?: Record<string, unknown>
  contact?: Record<string, unknown>
  system?: SystemNote
  reactions?: Array<{ emoji: string; userId: string; at: Date; withheldFor?: string[] }>
  /** Each edit with the text that it replaced, oldest first; `withheldFor` are those who never see it. */
  edits?: Array<{ content: string | null; at: Date; withheldFor?: string[] }>
  /** As it was when someone left whom its next change did not concern, oldest first. */
  versions?: MessageVersion[]
  editedAt?: Date
  deletedAt?: Date
  deletedBy?: string
  /** Viewers for whom this place is void: blocked sender, or deleted for themselves. */
  voidFor?: string[]
  /** Those of them who blocked the sender at the time: nothing of it reaches them, and for the sender it stays sent. */
  withheldFor?: string[]
  /** Set by every change after the insert, so that the sweep finds changes by time. */
  changedAt?: Date
  createdAt: Date
  updatedAt: Date
}

export interface CallDoc {
  _id: ObjectId
  roomId: string
  initiatorId: string
  participants: Array<{ userId: string; state: string; updatedAt: Date }>
  mediaType: string
  status: string
  events: Array<{ type: string; userId: string; reason: string | null; payload: unknown; createdAt: Date }>
  createdAt: Date
  updatedAt: Date
  endedAt: Date | null
  endReason: string | null
  endedBy: string | null
  metadata: Record<string, unknown> | null
  signalPayload: null
}

export interface Collections {
  chats: Collection<ChatDoc>
  members: Collection<MemberDoc>
  messages: Collection<MessageDoc>
  calls: Collection<CallDoc>
}

export interface Mongo extends Collections {
  client: MongoClient
  db: Db
  /** The same over connections of its own: what a send waits for does not stand behind everything else. */
  log: Collections
  ping(): Promise<void>
  close(): Promise<void>
}

const CONNECTIONS = 50
const LOG_CONNECTIONS = 10
/** In whole seconds, as the server tells it. */
const MAJORITY_LAG_MS_MAX = 2000

/** Connects; throws when no primary answers within the store timeout. */
export async function openMongo(url: string): Promise<Mongo> {
  const client = connectionsTo(url, CONNECTIONS)
  const log = connectionsTo(url, LOG_CONNECTIONS)
  await Promise.all([client.connect(), log.connect()])
  const db = client.db()
  return {
    client,
    db,
    ...collectionsOf(db),
    log: collectionsOf(log.db()),
    ping: async () => {
      const { lastWrite } = (await db.command({ hello: 1 })) as {
        lastWrite?: { lastWriteDate: Date; majorityWriteDate: Date }
      }
      // A primary whose others stand still answers everything but the writes that matter.
      const waits = lastWrite ? lastWrite.lastWriteDate.getTime() - lastWrite.majorityWriteDate.getTime() : 0
      if (waits > MAJORITY_LAG_MS_MAX) throw new Error('no majority has the newest writes')
    },
    close: async () => {
      await Promise.all([client.close(), log.close()])
    },
  }
}

function collectionsOf(db: Db): Collections {
  return {
    chats: db.collection<ChatDoc>('chats'),
    members: db.collection<MemberDoc>('members'),
    messages: db.collection<MessageDoc>('messages'),
    calls: db.collection<CallDoc>('calls'),
  }
}

function connectionsTo(url: string, max: number): MongoClient {
  const client = new MongoClient(url, {
    appName: 'parley',
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: LIMITS.storeTimeoutMs },
    readConcern: { level: 'majority' },
    retryWrites: true,
    retryReads: true,
    maxPoolSize: max,
    serverSelectionTimeoutMS: LIMITS.storeTimeoutMs,
    connectTimeoutMS: LIMITS.storeTimeoutMs,
    // A primary that stops answering costs a send no more than this; the driver then looks for another.
    socketTimeoutMS: LIMITS.storeTimeoutMs + 500,
    waitQueueTimeoutMS: LIMITS.storeTimeoutMs,
    monitorCommands: true,
    ignoreUndefined: true,
  })
  client.on('commandStarted', () => countCommand('mongodb'))
  return client
}
