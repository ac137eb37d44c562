// The shapes of the public contract, as far as a client reads them.

export type Tokens = { accessToken: string; refreshToken: string; tokenType: 'Bearer'; expiresIn: number }

export type User = {
  id: string
  phoneNumber: string
  countryCode: string
  username: string | null
  fullName: string
  isOnline: boolean
  lastSeen: string | null
}

export type SignedIn = { user: User; tokens: Tokens; device: { id: string } }

export type DeviceInfo = { name: string; platform: 'ios' | 'android' | 'web' | 'desktop' | 'other' }

export type MessageStatus = 'sent' | 'delivered' | 'read'

export type Message = {
  id: string
  chatId: string
  seq: number
  rev: number
  senderId: string | null
  clientMessageId: string | null
  type: string
  content: string | null
  media: unknown
  location: unknown
  contact: unknown
  poll: unknown
  callData: unknown
  replyTo: { id: string; senderId: string; type: string; preview: string } | null
  mentions: string[] | null
  system: { kind: string; userIds?: string[] } | null
  reactions: { emoji: string; count: number; mine: boolean }[] | null
  pinned: boolean | null
  isEdited: boolean | null
  editedAt: string | null
  isDeleted: boolean | null
  expiresAt: string | null
  status: MessageStatus | null
  createdAt: string
  updatedAt: string | null
  /** Only on the acknowledgement of a repeated send. */
  duplicate?: boolean
}

export type Interval = { from: number; to: number | null }

export type Role = 'owner' | 'admin' | 'moderator' | 'member'

export type Participant = {
  userId: string
  role: Role
  joinedAt: string
  joinedSeq: number
  nickname: string | null
}

export type Chat = {
  id: string
  type: 'direct' | 'group' | 'broadcast'
  name: string | null
  description: string | null
  createdBy: string
  participantCount: number
  /** `participants` and `visible` come with the answer for one chat, not with the list. */
  participants?: Participant[]
  visible?: Interval[]
  lastMessage: { id: string; seq: number; senderId: string; type: string; preview: string } | null
  lastMessageAt: string | null
  lastSeq: number
  rev: number
  readSeq: number
  unreadCount: number
  myRole: Role | null
  createdAt: string
  updatedAt: string
}

export type Marks = { chatId: string; readSeq: number; deliveredSeq: number; unreadCount: number }

export type Changes = { messages: Message[]; rev: number; hasMore: boolean }

export type Login = {
  userId: string
  deviceId: string
  cursor: string
  reset: boolean
  serverTime: string
}

/** What the server sends: an answer to a frame of ours has `id`, a durable event has `cursor`. */
export type Frame = {
  event: string
  id?: string | number
  cursor?: string
  data?: Record<string, unknown>
  error?: ErrorBody
}

export type ErrorBody = {
  code: string
  message: string
  details: { path: string; message: string }[] | null
  requestId: string
  retryable?: boolean
}

export type Pagination = { limit: number; nextCursor: string | null; hasMore: boolean }

/** The body of a message to be sent; the client adds `clientMessageId` where it is missing. */
export type Draft = { clientMessageId?: string; type?: string; content?: string } & Record<string, unknown>
