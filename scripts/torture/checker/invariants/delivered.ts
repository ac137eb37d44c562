import { seconds } from '../allowance.ts'
import { bringsMessage, sees, type Reading } from '../reading.ts'
import type { Findings } from '../verdict.ts'

const DELIVERED_WITHIN_MS = 5_000
/** A device that has to fetch everything counts as caught up after this at the latest. */
const CAUGHT_UP_WITHIN_MS = 30_000

/** Every acknowledged message is at every device of every member in time. */
export function checkDelivered(reading: Reading, findings: Findings): void {
  const arrivals = arrivalsOf(reading)
  for (const send of reading.sends.values()) {
    const stored = reading.stored(send)
    const [ack] = send.acks
    const chat = reading.chats.get(send.chat)
    if (stored === undefined || ack === undefined || chat === undefined) continue
    for (const [userId, member] of chat.members) {
      if (!sees(member, stored.seq) || stored.voidFor.includes(userId)) continue
      for (const device of reading.devicesOf.get(userId) ?? []) {
        if (device === send.device) continue
        const at = arrivals.get(`${device} ${chat.name}`)?.get(stored.seq) ?? Infinity
        findings.checked += 1
        if (at - ack.at <= DELIVERED_WITHIN_MS) continue
        const late = lateness(reading, device, ack.at, at)
        if (late !== null) {
          const when = at === Infinity ? 'never came' : `came at ${seconds(at)}`
          findings.add(
            `${chat.name} #${stored.seq} (${send.clientId}), acknowledged at ${seconds(ack.at)}, ${when} to ${device}, ` +
              `due by ${seconds(late)}; ${reading.allowance.describe(ack.at, late)}`,
          )
        }
      }
    }
  }
}

/** The moment that was missed; null where it came in time, or the device was never there long enough. */
function lateness(reading: Reading, device: string, ackedAt: number, cameAt: number): number | null {
  for (const { from, readyAt, isReset, to } of reading.connections.get(device) ?? []) {
    if (to < ackedAt) continue
    const healthyFrom = isReset ? Math.min(readyAt, from + CAUGHT_UP_WITHIN_MS) : from
    const start = Math.max(ackedAt, healthyFrom)
    const deadline = reading.allowance.deadline(start, DELIVERED_WITHIN_MS, reading.slow.get(device))
    if (cameAt <= deadline) return null
    if (Math.min(to, reading.end) > deadline) return deadline
  }
  return null
}

/** When each device first had each message, by whatever way. */
function arrivalsOf(reading: Reading): Map<string, Map<number, number>> {
  const arrivals = new Map<string, Map<number, number>>()
  for (const op of reading.received) {
    if (!bringsMessage(op)) continue
    const key = `${op.device} ${op.chat}`
    let seqs = arrivals.get(key)
    if (seqs === undefined) {
      seqs = new Map()
      arrivals.set(key, seqs)
    }
    if (!seqs.has(op.seq)) seqs.set(op.seq, op.at)
  }
  return arrivals
}
