import { seconds } from '../allowance.ts'
import type { Reading } from '../reading.ts'
import type { Findings } from '../verdict.ts'

const CROSSING_MS = 2_000

/** Marks only move forward, reading implies delivery, and nobody hears of them who should not. */
export function checkReceipts(reading: Reading, findings: Findings): void {
  for (const { name, truth } of reading.chats.values()) {
    for (const { userId, readSeq, deliveredSeq } of truth?.members ?? []) {
      const who = `${reading.nameOf(userId)} in ${name}`
      findings.expect(
        deliveredSeq >= readSeq,
        () => `${who} has read #${readSeq}, delivered only #${deliveredSeq}`,
      )
    }
  }
  for (const act of reading.acts) {
    if (act.what !== 'read' || act.outcome !== 'acked') continue
    const member = reading.member(act.chat, reading.userOf(act.device))
    const wanted = Math.min(act.seq ?? 0, reading.chats.get(act.chat)?.truth?.messages.at(-1)?.seq ?? 0)
    findings.expect(
      (member?.readSeq ?? 0) >= wanted,
      () =>
        `${act.device} read ${act.chat} up to #${wanted} at ${seconds(act.until)}, stored is #${member?.readSeq}`,
    )
  }
  checkNumbers(reading, findings)
  checkTold(reading, findings)
}

/** The marks that the server itself names. */
function checkNumbers(reading: Reading, findings: Findings): void {
  const last = new Map<string, number>()
  for (const { device, chat, readSeq, deliveredSeq, at } of reading.counted) {
    const key = `${reading.userOf(device)} ${chat}`
    const before = last.get(key) ?? 0
    const isRight = readSeq >= before && deliveredSeq >= readSeq
    findings.expect(
      isRight,
      () =>
        `${device} in ${chat} at ${seconds(at)}: read ${readSeq} after ${before}, delivered ${deliveredSeq}`,
    )
    last.set(key, readSeq)
  }
}

function checkTold(reading: Reading, findings: Findings): void {
  const last = new Map<string, { upTo: number; at: number }>()
  for (const { device, chat, person, mark, upTo, at } of reading.receipts) {
    const [toId, ofId] = [reading.userOf(device), reading.userNamed(person)]
    const what = `${device} is told at ${seconds(at)} that ${person} has ${mark} ${chat} up to #${upTo}`
    const member = reading.member(chat, ofId)
    const stored = mark === 'read' ? member?.readSeq : member?.deliveredSeq
    const isStranger = reading.member(chat, toId) === undefined || member === undefined
    const isHidden =
      mark === 'read' &&
      toId !== ofId &&
      reading.chats.get(chat)?.type === 'direct' &&
      (reading.hiding.has(toId) || reading.hiding.has(ofId))
    const key = `${device} ${chat} ${person} ${mark}`
    const before = last.get(key)
    // Two that were told at once may cross, and after a reconnect they repeat; a mark that comes later only rises.
    const goesBack =
      before !== undefined &&
      upTo < before.upTo &&
      at > reading.allowance.deadline(before.at, CROSSING_MS) &&
      !isAnew(reading, device, before.at, at)
    findings.expect(!isStranger && !isHidden, () => `${what}, which is not for him`)
    findings.expect((stored ?? 0) >= upTo, () => `${what}, stored is #${stored}`)
    findings.expect(!goesBack, () => `${what}, after #${before?.upTo}`)
    if (before === undefined || upTo > before.upTo || isAnew(reading, device, before.at, at))
      last.set(key, { upTo, at })
  }
}

function isAnew(reading: Reading, device: string, from: number, to: number): boolean {
  return (
    reading.connections.get(device)?.some((connection) => connection.from > from && connection.from <= to) ===
    true
  )
}
