// Three minutes of the fault harness: two nodes, three mongods, everybody talking, one fault after the other.
import { expect, test } from 'vitest'
import { runHarness } from './support/harness.ts'

const TIMEOUT_MS = 420_000
const INVARIANTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14]

test('the delivery contract holds under faults', { timeout: TIMEOUT_MS }, async () => {
  const { code, report, progress } = await runHarness('--minutes', '3', '--seed', '7', '--rate', '60')

  expect(
    report.verdicts.filter(({ ok }) => !ok),
    progress,
  ).toEqual([])
  expect(report.troubles).toEqual([])
  expect([...new Set(report.verdicts.map(({ invariant }) => invariant))]).toEqual(INVARIANTS)
  expect(report.faults.kinds).toBeGreaterThanOrEqual(10)
  expect(report.counts['acknowledged']).toBeGreaterThan(3_000)
  expect(code).toBe(0)
})
