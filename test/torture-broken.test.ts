// The harness is worth what it catches: servers that are broken on purpose, each of which it has to find.
import { describe, expect, test } from 'vitest'
import { BROKEN_BUILDS } from '../scripts/torture/broken/broken.ts'
import { runHarness } from './support/harness.ts'

const RUN_MS = 240_000
const BROKEN_INVARIANT = 1
/** Few people and little load: what these shortcuts break shows soon. */
const SMALL = ['--people', '12', '--rate', '40', '--seed', '7']

describe('the harness catches a server', () => {
  for (const { name, title, faults, mongo, minutes, proof } of BROKEN_BUILDS) {
    test(`in which ${title}`, { timeout: RUN_MS }, async () => {
      const how = ['--build', name, '--faults', faults.join(','), '--mongo', String(mongo)]
      const { code, report, progress } = await runHarness(...how, '--minutes', String(minutes), ...SMALL)
      expect(code, progress).toBe(BROKEN_INVARIANT)
      const found = report.verdicts.flatMap(({ invariant, title, counterexamples }) =>
        counterexamples.map((text) => `${invariant} ${title}: ${text}`),
      )
      expect(
        found.filter((text) => proof.test(text)),
        found.join('\n'),
      ).not.toEqual([])
    })
  }
})
