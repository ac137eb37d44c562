// Judges a run: what was recorded of it, held against what the stores hold at the end. Pure and deterministic.
import type { Operation } from '../history/operation.ts'
import { checkBlocks } from './invariants/blocks.ts'
import { checkConvergent } from './invariants/convergent.ts'
import { checkDegrading } from './invariants/degrading.ts'
import { checkDelivered } from './invariants/delivered.ts'
import { checkDurable } from './invariants/durable.ts'
import { checkHonest } from './invariants/honest.ts'
import { checkMembers } from './invariants/members.ts'
import { checkOnce } from './invariants/once.ts'
import { checkOrder } from './invariants/order.ts'
import { checkReceipts } from './invariants/receipts.ts'
import { checkRevocation } from './invariants/revocation.ts'
import { checkUnread } from './invariants/unread.ts'
import { Reading } from './reading.ts'
import type { Truth } from './truth.ts'
import { Findings, type Verdict } from './verdict.ts'

export type { Verdict } from './verdict.ts'

type Check = (reading: Reading, findings: Findings) => void

const CHECKS: ReadonlyArray<[number, string, Check]> = [
  [1, 'durable', checkDurable],
  [2, 'once', checkOnce],
  [3, 'dense order', checkOrder],
  [4, 'delivered', checkDelivered],
  [5, 'convergent', checkConvergent],
  [6, 'members only', checkMembers],
  [7, 'blocks', checkBlocks],
  [8, 'unread exact', checkUnread],
  [9, 'receipts', checkReceipts],
  [10, 'revocation', checkRevocation],
  [13, 'degrading', checkDegrading],
  [14, 'honest', checkHonest],
]

/** One verdict for each invariant, in the order of their numbers. */
export function check(history: { operations: readonly Operation[] }, truth: Truth): Verdict[] {
  const reading = new Reading(history.operations, truth)
  return CHECKS.map(([invariant, title, judge]) => {
    const findings = new Findings()
    judge(reading, findings)
    return findings.verdict(invariant, title)
  })
}
