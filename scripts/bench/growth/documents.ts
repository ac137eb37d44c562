// Chats, members and messages as the server stores them: same fields, same types. Only their authors are made up.
import { randomUUID } from 'node:crypto'
import { ObjectId } from 'mongodb'
import type { ChatDoc, MemberDoc, MessageDoc } from '../../../src/stores/mongo.ts'

export type SeedChat = { id: ObjectId; people: [string, string]; lastSeq: number; lastAt: Date }

export const newSeedChat = (people: [string, string] = [randomUUID(), randomUUID()]): SeedChat => ({
  id: new ObjectId(),
  people,
  lastSeq: 0,
  lastAt: new Date(0),
})

const WORDS =
  'the train is late again so start without me and keep some soup please see you at nine then'.split(' ')

/** About a hundred bytes that are not all alike, so that compression on disk is not flattered. */
function textFor(number: number): string {
  let text = `${number} `
  for (let word = number; text.length < 90; word += 7)
    text += `${WORDS[(word * 31) % WORDS.length]}${(word * number) % 97} `
  return text
}

/** The next message of a chat; the two people take turns. */
export function nextMessage(chat: SeedChat, at: Date): MessageDoc {
  const seq = chat.lastSeq + 1
  chat.lastSeq = seq
  chat.lastAt = at
  const senderId = chat.people[seq % 2] ?? chat.people[0]
  const _id = new ObjectId()
  return {
    _id,
    chatId: chat.id,
    senderId,
    clientMessageId: `seed.${_id.toHexString()}`,
    bodyDigest: _id.toHexString().slice(8),
    message: textFor(seq),
    messageType: 'text',
    readBy: [senderId],
    callData: null,
    seq,
    rev: seq,
    revs: [seq],
    createdAt: at,
    updatedAt: at,
  }
}

export function chatDocument(chat: SeedChat): ChatDoc {
  const [first, second] = chat.people
  return {
    _id: chat.id,
    participants: [first, second],
    former: [],
    type: 'direct',
    directKey: [first, second].sort().join(':'),
    name: null,
    description: null,
    avatarUrl: null,
    createdBy: first,
    permissions: {
      sendMessages: 'everyone',
      editInfo: 'everyone',
      addMembers: 'everyone',
      pinMessages: 'everyone',
    },
    disappearingSeconds: null,
    createdAt: chat.lastAt,
    ...headOf(chat),
  }
}

/** The chat's copy of its newest message, as written behind by the server. */
export function headOf(
  chat: SeedChat,
): Pick<ChatDoc, 'lastMessage' | 'lastMessageAt' | 'lastEntry' | 'lastSeq' | 'fanRev' | 'updatedAt'> {
  return {
    lastMessage: textFor(chat.lastSeq),
    lastMessageAt: chat.lastAt,
    lastEntry: null,
    lastSeq: chat.lastSeq,
    fanRev: chat.lastSeq,
    updatedAt: chat.lastAt,
  }
}

export const memberDocuments = (chat: SeedChat): MemberDoc[] =>
  chat.people.map((userId) => ({
    _id: new ObjectId(),
    chatId: chat.id,
    userId,
    active: true,
    role: 'member',
    nickname: null,
    joinedAt: chat.lastAt,
    joinedSeq: 1,
    visible: [{ from: 1, to: null }],
    readSeq: chat.lastSeq,
    deliveredSeq: chat.lastSeq,
    readMarks: [],
    deliveredMarks: [],
    hiddenSeq: null,
    settings: {
      muted: false,
      mutedUntil: null,
      pinned: false,
      archived: false,
      notifications: true,
      theme: null,
      emoji: null,
    },
  }))
