import { seconds } from '../allowance.ts'
import { bringsMessage, keyOf, type Reading } from '../reading.ts'
import type { Findings } from '../verdict.ts'

const NOT_ABOUT_THE_MESSAGE = new Set(['UNAUTHORIZED', 'INVALID_TOKEN', 'TOKEN_EXPIRED'])

/** At most one message for each sender, chat and clientMessageId: stored, answered, and at every device. */
export function checkOnce(reading: Reading, findings: Findings): void {
  for (const { name, truth } of reading.chats.values()) {
    const seqs = new Map<string, number>()
    for (const { senderId, clientId, seq } of truth?.messages ?? []) {
      if (clientId === null) continue
      const key = keyOf(senderId, clientId)
      const first = seqs.get(key)
      findings.expect(
        first === undefined,
        () => `${clientId} is stored twice in ${name}: #${first} and #${seq}`,
      )
      seqs.set(key, seq)
    }
  }
  for (const send of reading.sends.values()) {
    const stored = reading.stored(send)
    for (const ack of send.acks) {
      const isSame = ack.id === send.acks[0]?.id && (stored === undefined || stored.seq === ack.seq)
      const where = `${send.clientId} in ${send.chat}`
      findings.expect(
        isSame,
        () =>
          `${where} was answered as #${ack.seq} (${ack.play}) at ${seconds(ack.at)} but stands at #${stored?.seq}`,
      )
    }
  }
  for (const { sent, answers } of reading.others) {
    for (const answer of answers) {
      const isConflict = answer.kind === 'refused' && (answer.retryable || isRightRefusal(answer.code))
      const what = answer.kind === 'refused' ? answer.code : `an ack of #${answer.seq}`
      findings.expect(isConflict, () => `another body under ${sent.clientId} in ${sent.chat} got ${what}`)
    }
  }
  checkDevices(reading, findings)
}

const isRightRefusal = (code: string): boolean => code === 'CONFLICT' || NOT_ABOUT_THE_MESSAGE.has(code)

/** A place holds the same message for everyone, and no device found two. */
function checkDevices(reading: Reading, findings: Findings): void {
  const ids = new Map<string, string>()
  for (const op of reading.received) {
    if (!bringsMessage(op)) continue
    const place = `${op.chat} #${op.seq}`
    const id = ids.get(place)
    if (id === undefined) ids.set(place, op.id)
    else if (id !== op.id)
      findings.add(`${place} is ${id}, and ${op.id} to ${op.device} at ${seconds(op.at)}`)
  }
  for (const { device, chat, oddities } of reading.held) {
    for (const oddity of oddities) {
      if (!oddity.includes(' came after ')) findings.add(`${device} in ${chat}: ${oddity}`)
    }
  }
}
