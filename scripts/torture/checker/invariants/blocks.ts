import { seconds } from '../allowance.ts'
import { grouped, bringsMessage, type Reading } from '../reading.ts'
import type { Act } from '../../history/operation.ts'
import type { Findings } from '../verdict.ts'

const EFFECTIVE_WITHIN_MS = 5_000

/** In a direct chat nothing of the blocked one reaches the blocker: its place is void, then and for ever. */
export function checkBlocks(reading: Reading, findings: Findings): void {
  for (const op of reading.received) {
    const message = reading.chats.get(op.chat)?.bySeq.get(op.seq)
    if (message === undefined || message.voidFor.length === 0 || !bringsMessage(op)) continue
    const isHis = message.voidFor.includes(reading.userOf(op.device))
    findings.expect(
      !isHis || op.isVoid,
      () =>
        `${op.device} was shown ${op.chat} #${op.seq} (${op.event}) at ${seconds(op.at)}, which is void for him`,
    )
  }
  const changes = grouped(
    reading.acts.filter(({ what }) => what === 'block' || what === 'unblock'),
    (act) => act.chat,
  )
  for (const [chat, acts] of changes) checkPlaces(reading, chat, acts, findings)
}

/** A message sent while a block was surely in force is withheld; one while there was surely none is not. */
function checkPlaces(reading: Reading, chat: string, acts: Act[], findings: Findings): void {
  const [first] = acts
  if (first === undefined) return
  const blockerId = reading.userOf(first.device)
  for (const send of reading.sends.values()) {
    const stored = reading.stored(send)
    const [ack] = send.acks
    if (send.chat !== chat || stored === undefined || ack === undefined || send.userId === blockerId) continue
    const isBlocked = certainty(reading, acts, send.at, ack.at)
    if (isBlocked === null) continue
    const isVoid = stored.voidFor.includes(blockerId)
    findings.expect(isVoid === isBlocked, () => {
      const block = isBlocked ? 'although blocked' : 'although not blocked'
      const place = `${chat} #${stored.seq} of ${send.device}, sent at ${seconds(send.at)}`
      return `${place}, is ${isVoid ? '' : 'not '}withheld from ${reading.nameOf(blockerId)} ${block}`
    })
  }
}

/** Null where the span meets a change, or the time in which that takes effect. */
function certainty(reading: Reading, acts: Act[], from: number, to: number): boolean | null {
  let isBlocked = false
  for (const act of acts) {
    if (act.at > to) break
    if (reading.allowance.deadline(act.until, EFFECTIVE_WITHIN_MS) >= from || act.outcome === 'unknown')
      return null
    if (act.outcome === 'acked') isBlocked = act.what === 'block'
  }
  return isBlocked
}
