import { seconds } from '../allowance.ts'
import { bringsMessage, sees, type ChatReading, type Reading } from '../reading.ts'
import type { Received } from '../../history/operation.ts'
import type { TruthMember } from '../truth.ts'
import type { Findings } from '../verdict.ts'

/** Nothing outside of a user's own intervals ever comes to a device of his, by any way. */
export function checkMembers(reading: Reading, findings: Findings): void {
  const reached = new Map<string, number>()
  for (const op of reading.received) {
    const key = `${op.device} ${op.chat}`
    const before = reached.get(key) ?? 0
    if (op.rev > before) reached.set(key, op.rev)
    const chat = reading.chats.get(op.chat)
    if (chat === undefined) continue
    const userId = reading.userOf(op.device)
    const member = chat.members.get(userId)
    findings.expect(
      isForHim(chat, member, op, before),
      () =>
        `${op.device} got ${op.event} of ${op.chat} #${op.seq} (rev ${op.rev}) at ${seconds(op.at)}, and ` +
        `${reading.nameOf(userId)} was in it ${describe(member)}`,
    )
  }
  for (const { device, chat, seqs, by } of reading.held) {
    const member = reading.member(chat, reading.userOf(device))
    const leak = seqs.find((seq) => !sees(member, seq))
    findings.expect(
      leak === undefined,
      () => `${device} (${by}) holds ${chat} #${leak}, seen ${describe(member)}`,
    )
  }
}

function isForHim(
  chat: ChatReading,
  member: TruthMember | undefined,
  op: Received,
  reached: number,
): boolean {
  if (member === undefined) return false
  if (bringsMessage(op) || op.event === 'previewed') {
    // What is not stored at all is no matter of membership.
    if (chat.bySeq.has(op.seq) && !sees(member, op.seq)) return false
  }
  return !op.live || op.rev === 0 || isWithinRevs(chat, member, op.rev, reached)
}

/**
 * A change of an old message is for those who are in the chat when it happens; whoever is back, and has been told so,
 * may be told of it too.
 */
function isWithinRevs(chat: ChatReading, member: TruthMember, rev: number, reached: number): boolean {
  return member.visible.some(({ from, to }) => {
    const first = from === 1 ? 0 : (chat.bySeq.get(from)?.firstRev ?? 0)
    const last = to === null ? Infinity : (chat.bySeq.get(to)?.firstRev ?? Infinity)
    return (rev >= first && rev <= last) || (first > rev && reached >= first)
  })
}

const describe = (member: TruthMember | undefined): string =>
  member === undefined ? 'never' : member.visible.map(({ from, to }) => `#${from}–${to ?? 'now'}`).join(', ')
