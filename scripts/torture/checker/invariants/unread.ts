import { seconds } from '../allowance.ts'
import { sees, type Reading } from '../reading.ts'
import type { Counted } from '../../history/operation.ts'
import type { Findings } from '../verdict.ts'

/** In a moment of rest the count is the number of messages that its definition names, wherever it is read. */
export function checkUnread(reading: Reading, findings: Findings): void {
  const deletes = new Map<string, number>()
  for (const act of reading.acts) {
    if (act.what !== 'delete') continue
    const place = `${act.chat} ${act.seq}`
    deletes.set(place, Math.min(deletes.get(place) ?? Infinity, act.at))
  }
  for (const op of reading.counted) {
    const expected = expectedOf(reading, op, deletes)
    findings.expect(
      expected === op.unread,
      () =>
        `${op.device} is told (${op.from}) at ${seconds(op.at)} that ${op.chat} has ${op.unread} unread up to ` +
        `#${op.lastSeq} with #${op.readSeq} read; it has ${expected}`,
    )
  }
}

function expectedOf(reading: Reading, op: Counted, deletes: Map<string, number>): number {
  const chat = reading.chats.get(op.chat)
  const userId = reading.userOf(op.device)
  const member = chat?.members.get(userId)
  let count = 0
  for (let seq = op.readSeq + 1; seq <= op.lastSeq; seq += 1) {
    const message = chat?.bySeq.get(seq)
    if (message === undefined || !sees(member, seq)) continue
    if (message.senderId === userId || message.type === 'system' || message.voidFor.includes(userId)) continue
    if (message.isDeleted && (deletes.get(`${op.chat} ${seq}`) ?? 0) < op.at) continue
    count += 1
  }
  return count
}
