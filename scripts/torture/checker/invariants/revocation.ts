import { seconds } from '../allowance.ts'
import type { Reading } from '../reading.ts'
import type { Findings } from '../verdict.ts'

const OUT_WITHIN_MS = 5_000
const OK = 200

/** An ended session has no socket and no valid token any longer, on any node. */
export function checkRevocation(reading: Reading, findings: Findings): void {
  for (const act of reading.acts) {
    if (act.what !== 'revoke' || act.outcome !== 'acked' || act.whom === null) continue
    const device = act.whom
    const deadline = reading.allowance.deadline(act.until, OUT_WITHIN_MS)
    const ended = `the session of ${device}, ended at ${seconds(act.until)}`
    const alive = reading.connections
      .get(device)
      ?.find(({ from, to }) => from > deadline || (from <= deadline && Math.min(to, reading.end) > deadline))
    findings.expect(
      alive === undefined,
      () =>
        `${ended}, had an open socket after ${seconds(deadline)}; ${reading.allowance.describe(act.until, deadline)}`,
    )
    for (const token of reading.tokens) {
      if (token.device !== device || token.at < deadline) continue
      findings.expect(
        token.status !== OK,
        () => `${ended}, was let in by its token at door ${token.door} at ${seconds(token.at)}`,
      )
    }
  }
}
