import { seconds } from '../allowance.ts'
import { grouped, bringsMessage, type Reading, type Send } from '../reading.ts'
import type { Received } from '../../history/operation.ts'
import type { Findings } from '../verdict.ts'

/** 1…N without a hole; earlier for everyone is earlier in the chat; a sender's own order is kept. */
export function checkOrder(reading: Reading, findings: Findings): void {
  for (const { name, truth } of reading.chats.values()) {
    truth?.messages.forEach(({ seq }, i) => {
      const before = i === 0 ? 0 : (truth.messages[i - 1]?.seq ?? 0)
      findings.expect(seq === before + 1, () => `${name} has #${seq} right behind #${before}`)
    })
  }
  const byChat = grouped(
    [...reading.sends.values()].filter((send) => reading.stored(send) !== undefined),
    (send) => send.chat,
  )
  for (const sends of byChat.values()) {
    checkRealTime(reading, sends, findings)
    checkPipelines(reading, sends, findings)
  }
  checkArrivals(reading, findings)
}

/** What was acknowledged before another was sent stands before it. */
function checkRealTime(reading: Reading, sends: Send[], findings: Findings): void {
  const acked = sends
    .flatMap((send) => send.acks.slice(0, 1).map((ack) => ({ send, at: ack.at, seq: ack.seq })))
    .sort((a, b) => a.at - b.at)
  let next = 0
  let highest: (typeof acked)[number] | null = null
  for (const send of sends.toSorted((a, b) => a.at - b.at)) {
    for (let ack = acked[next]; ack !== undefined && ack.at < send.at; ack = acked[next]) {
      if (highest === null || ack.seq > highest.seq) highest = ack
      next += 1
    }
    const seq = reading.stored(send)?.seq ?? 0
    const before = highest
    findings.expect(
      before === null || seq > before.seq,
      () =>
        `in ${send.chat} ${send.clientId}, sent at ${seconds(send.at)}, stands at #${seq} before #${before?.seq}, ` +
        `which was acknowledged at ${seconds(before?.at ?? 0)}`,
    )
  }
}

function checkPipelines(reading: Reading, sends: Send[], findings: Findings): void {
  const last = new Map<string, { seq: number; clientId: string }>()
  for (const send of sends) {
    if (!send.isPlain) continue
    const seq = reading.stored(send)?.seq ?? 0
    const before = last.get(send.device)
    findings.expect(
      before === undefined || seq > before.seq,
      () =>
        `${send.device} sent ${before?.clientId} before ${send.clientId} in ${send.chat}: #${before?.seq}, #${seq}`,
    )
    last.set(send.device, { seq, clientId: send.clientId })
  }
}

/** What is new to a device comes in order for as long as a connection lasts. */
function checkArrivals(reading: Reading, findings: Findings): void {
  const held = new Map<string, Set<number>>()
  const last = new Map<string, { seq: number; at: number }>()
  for (const op of reading.received) {
    if (!bringsMessage(op) || isOwn(reading, op)) continue
    const key = `${op.device} ${op.chat}`
    const seqs = held.get(key) ?? new Set()
    held.set(key, seqs)
    if (seqs.has(op.seq)) continue
    seqs.add(op.seq)
    if (op.event !== 'message:received') continue
    const before = last.get(key)
    const isSameConnection = before !== undefined && !reconnected(reading, op.device, before.at, op.at)
    findings.expect(
      !isSameConnection || op.seq > before.seq,
      () => `${op.device} got ${op.chat} #${op.seq} at ${seconds(op.at)}, after #${before?.seq}`,
    )
    last.set(key, { seq: op.seq, at: op.at })
  }
}

/** What the device sent itself it has by its ack; told once more, that is no news to it. */
function isOwn(reading: Reading, { device, chat, seq }: Received): boolean {
  const clientId = reading.chats.get(chat)?.bySeq.get(seq)?.clientId ?? null
  return clientId !== null && reading.sends.has(`${device} ${clientId}`)
}

function reconnected(reading: Reading, device: string, from: number, to: number): boolean {
  return (
    reading.connections.get(device)?.some((connection) => connection.from > from && connection.from <= to) ===
    true
  )
}
