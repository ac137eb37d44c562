import { describe, expect, test } from 'vitest'
import { retryDelayMs } from './backoff.ts'
import type { Chat, Frame, Message } from './model.ts'
import { Replica } from './replica.ts'

const chatId = 'chat_1'

const message = (seq: number, fields: Partial<Message> = {}): Message =>
  ({
    id: `msg_${seq}`,
    chatId,
    seq,
    rev: seq,
    senderId: 'bob',
    content: `m${seq}`,
    clientMessageId: null,
    status: 'sent',
    ...fields,
  }) as Message

const received = (seq: number, fields: Partial<Message> = {}): Frame => ({
  event: 'message:received',
  cursor: `c${seq}`,
  data: { message: message(seq, fields), rev: seq },
})

function replica(): Replica {
  const store = new Replica()
  store.signedInAs('alice')
  store.putChat({ id: chatId, type: 'direct', rev: 0, visible: [{ from: 1, to: null }] } as unknown as Chat)
  return store
}

const contents = (store: Replica): (string | null)[] => store.messages(chatId).map((item) => item.content)

describe('a replica', () => {
  test('moves its position on while nothing is missing', () => {
    const store = replica()
    expect([store.apply(received(1)), store.apply(received(2))]).toEqual([null, null])
    expect(store.revOf(chatId)).toBe(2)
  })

  test('asks for a catch-up at a gap, and does not move past it', () => {
    const store = replica()
    store.apply(received(1))
    expect(store.apply(received(3))).toBe(chatId)
    expect([store.hasGap(chatId), store.revOf(chatId)]).toEqual([true, 1])
    store.putMessage(message(2))
    store.settle(chatId, 3)
    expect([store.hasGap(chatId), store.revOf(chatId)]).toEqual([false, 3])
  })

  test('takes what lies outside the visible intervals for no gap', () => {
    const store = replica()
    const visible = [
      { from: 3, to: 4 },
      { from: 9, to: null },
    ]
    store.putChat({ id: chatId, type: 'group', rev: 1, visible } as unknown as Chat)
    for (const seq of [3, 4, 9]) expect(store.apply(received(seq))).toBeNull()
    expect(store.apply(received(11))).toBe(chatId)
  })

  test('asks for the chat when a message comes from one it does not know', () => {
    expect(new Replica().apply(received(1))).toBe(chatId)
  })

  test('takes a repeat for nothing, and an older revision for nothing', () => {
    const store = replica()
    store.apply(received(1))
    store.apply({
      event: 'message:edited',
      data: { message: message(1, { content: 'new', rev: 5 }), rev: 5 },
    })
    store.apply(received(1))
    expect(contents(store)).toEqual(['new'])
    expect(store.oddities()).toEqual([])
  })

  test('asks again for a change that was never fetched, until it is', () => {
    const store = replica()
    store.apply(received(1))
    const reaction = { chatId, messageId: 'msg_1', userId: 'bob', emoji: '👍', rev: 2 }
    expect(store.apply({ event: 'message:reaction:added', data: reaction })).toBe(chatId)
    expect(store.hasGap(chatId)).toBe(true)
    expect(store.apply(received(2, { rev: 3 }))).toBe(chatId)
    store.settle(chatId, 3)
    expect([store.hasGap(chatId), store.apply(received(3, { rev: 4 }))]).toEqual([false, null])
  })

  test('takes the answer to an own send for no word on what happened before it', () => {
    const store = replica()
    store.apply(received(1))
    store.putMessage(message(2, { rev: 3, senderId: 'alice' }))
    expect(store.revOf(chatId)).toBe(1)
    store.putMessage(message(1, { rev: 2, content: 'edited' }))
    expect(store.revOf(chatId)).toBe(2)
  })

  test('keeps the place of a deleted message', () => {
    const store = replica()
    store.apply(received(1))
    store.apply({ event: 'message:deleted', data: { chatId, messageId: 'msg_1', seq: 1, rev: 2 } })
    expect(store.messages(chatId)[0]).toMatchObject({ seq: 1, isDeleted: true, content: null, rev: 2 })
  })

  test('raises the ticks of own messages and never lowers them', () => {
    const store = replica()
    store.putMessage(message(1, { senderId: 'alice' }))
    const mark = (event: string): void =>
      void store.apply({ event, data: { chatId, userId: 'bob', upToSeq: 1 } })
    mark('message:read')
    mark('message:delivered')
    expect(store.messages(chatId)[0]?.status).toBe('read')
  })

  test.each([
    ['two messages on one place', [received(1), received(1, { id: 'msg_other' })]],
    [
      'one message on two places',
      [received(1, { clientMessageId: 'x' }), received(2, { clientMessageId: 'x' })],
    ],
    ['an event out of order', [received(2), received(1)]],
  ])('notes %s', (_what, frames) => {
    const store = replica()
    for (const frame of frames) store.apply(frame)
    expect(store.oddities()).toHaveLength(1)
  })
})

describe('coming back', () => {
  const backoff = { minMs: 100, maxMs: 1_000, random: () => 1 }

  test.each([
    ['takes the hint of a restarting server', { code: 1012, reason: 'retry=321' }, 0, 321],
    ['takes the hint only once', { code: 1012, reason: 'retry=321' }, 1, 200],
    ['grows from try to try', null, 2, 400],
    ['grows to a limit', null, 50, 1_000],
  ])('%s', (_what, close, attempt, expected) => {
    expect(retryDelayMs(close, attempt, backoff)).toBe(expected)
  })

  test('draws from the whole span, so that no herd keeps step', () => {
    expect(retryDelayMs(null, 0, { ...backoff, random: () => 0 })).toBe(0)
  })
})
