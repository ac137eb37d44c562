import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ApiError } from './api-error.ts'
import type { Settle } from './link.ts'
import type { Message } from './model.ts'
import { Outbox, type Carrier } from './outbox.ts'

type Sent = { content: string; clientMessageId: string; settle: Settle }

/** A connection that answers when the test says so. */
class Wire implements Carrier {
  readonly sent: Sent[] = []

  call(_event: string, data: unknown, settle: Settle): void {
    this.sent.push({ ...(data as { content: string; clientMessageId: string }), settle })
  }

  get contents(): string[] {
    return this.sent.map((frame) => frame.content)
  }
}

const body = { message: 'no', details: null, requestId: 'r' }
const notNow = new ApiError(0, { ...body, code: 'SERVICE_UNAVAILABLE', retryable: true })
const never = new ApiError(0, { ...body, code: 'PERMISSION_DENIED', retryable: false })
const lost = new ApiError(0, { ...body, code: 'NETWORK', retryable: true })

let accepted: Message[]
let outbox: Outbox
beforeEach(() => {
  vi.useFakeTimers()
  accepted = []
  outbox = new Outbox((message) => accepted.push(message))
})
afterEach(() => {
  vi.useRealTimers()
})

function send(...contents: string[]): Promise<Message>[] {
  return contents.map((content) => outbox.send('chat_1', { content }))
}

test('what was written before the connection goes out in order when it comes', () => {
  void send('a', 'b', 'c')
  const wire = new Wire()
  outbox.attach(wire)
  expect(wire.contents).toEqual(['a', 'b', 'c'])
})

test('an answer settles its message and leaves the others', async () => {
  const wire = new Wire()
  outbox.attach(wire)
  const [first] = send('a', 'b')
  wire.sent[0]?.settle(null, { id: 'msg_a' })
  expect(await first).toEqual({ id: 'msg_a' })
  expect(accepted).toEqual([{ id: 'msg_a' }])
  expect(outbox.size).toBe(1)
})

test('after a lost connection everything without an answer goes out again, with the same ids', () => {
  const first = new Wire()
  outbox.attach(first)
  void send('a', 'b', 'c')
  first.sent[0]?.settle(null, { id: 'msg_a' })
  for (const frame of first.sent.slice(1)) frame.settle(lost, null)
  outbox.detach()
  const second = new Wire()
  outbox.attach(second)
  expect(second.contents).toEqual(['b', 'c'])
  const ids = (wire: Wire, from: number): string[] =>
    wire.sent.slice(from).map((frame) => frame.clientMessageId)
  expect(ids(second, 0)).toEqual(ids(first, 1))
})

test('a refusal that may be retried holds the chat until all answers are in, then repeats from its start', () => {
  const wire = new Wire()
  outbox.attach(wire)
  void send('a', 'b')
  wire.sent[0]?.settle(notNow, null)
  void send('c')
  vi.runAllTimers()
  expect(wire.contents).toEqual(['a', 'b'])
  wire.sent[1]?.settle(notNow, null)
  vi.runAllTimers()
  expect(wire.contents).toEqual(['a', 'b', 'a', 'b', 'c'])
})

test('a held chat goes on also when the last answer of the pipeline is a success', () => {
  const wire = new Wire()
  outbox.attach(wire)
  void send('a', 'b')
  wire.sent[0]?.settle(notNow, null)
  wire.sent[1]?.settle(null, { id: 'msg_b' })
  vi.runAllTimers()
  expect(wire.contents).toEqual(['a', 'b', 'a'])
})

test('one chat on hold does not hold another', () => {
  const wire = new Wire()
  outbox.attach(wire)
  void send('a')
  wire.sent[0]?.settle(notNow, null)
  void outbox.send('chat_2', { content: 'elsewhere' })
  expect(wire.contents).toEqual(['a', 'elsewhere'])
})

test('a final refusal is told and not repeated', async () => {
  const wire = new Wire()
  outbox.attach(wire)
  const [refused] = send('a')
  wire.sent[0]?.settle(never, null)
  await expect(refused).rejects.toBe(never)
  outbox.attach(new Wire())
  expect(outbox.size).toBe(0)
})

test('whoever watches sees each attempt leave and each refusal, but no lost connection', () => {
  const seen: string[] = []
  outbox = new Outbox(() => {}, {
    onTransmitted: (_, id) => seen.push(`${id} left`),
    onRefused: (_, id, error) => seen.push(`${id} ${error.code}`),
  })
  const [first, second] = [new Wire(), new Wire()]
  outbox.attach(first)
  outbox.send('chat_1', { content: 'a', clientMessageId: 'm1' }).catch(() => {})
  first.sent[0]?.settle(lost, null)
  outbox.attach(second)
  second.sent[0]?.settle(never, null)
  expect(seen).toEqual(['m1 left', 'm1 left', 'm1 PERMISSION_DENIED'])
})
