import { seconds } from '../allowance.ts'
import { bringsMessage, type Reading, type Send } from '../reading.ts'
import type { Findings } from '../verdict.ts'

/** Whatever was acknowledged is stored as it was sent, and whatever was shown is stored too. */
export function checkDurable(reading: Reading, findings: Findings): void {
  const touched = new Set(
    reading.acts
      .filter(({ what }) => what === 'edit' || what === 'delete')
      .map((act) => `${act.chat} ${act.seq}`),
  )
  for (const send of reading.sends.values()) {
    const [ack] = send.acks
    if (ack === undefined) continue
    const stored = reading.stored(send)
    findings.expect(stored !== undefined, () => `${describe(reading, send)} is not stored`)
    if (stored === undefined || touched.has(`${send.chat} ${stored.seq}`)) continue
    const isWhole = !stored.isDeleted && stored.content === send.content
    findings.expect(isWhole, () => `${describe(reading, send)} is stored as something else`)
  }
  // What could still roll back must not be shown to anyone.
  for (const op of reading.received) {
    if (!bringsMessage(op) || reading.chats.get(op.chat)?.bySeq.has(op.seq) === true) continue
    findings.add(
      `${op.device} was shown ${op.chat} #${op.seq} at ${seconds(op.at)}, and it is not stored; ` +
        reading.allowance.describe(op.at - 5_000, op.at),
    )
  }
}

function describe(reading: Reading, { chat, device, clientId, at, acks }: Send): string {
  const [ack] = acks
  const ackedAt = ack?.at ?? at
  return (
    `${clientId} of ${device} in ${chat}, acknowledged as #${ack?.seq} at ${seconds(ackedAt)} ` +
    `(${reading.allowance.describe(at, ackedAt)}),`
  )
}
