// Three minutes of the fault harness: two nodes, three mongods, everybody talking, one fault after the other.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Report } from '../scripts/torture/report.ts'

const REPO = fileURLToPath(new URL('..', import.meta.url))
const TIMEOUT_MS = 420_000
const INVARIANTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14]

test('the delivery contract holds under faults', { timeout: TIMEOUT_MS }, async () => {
  const { code, report } = await runTorture('--minutes', '3', '--seed', '7', '--rate', '60')

  expect(report.verdicts.filter(({ ok }) => !ok)).toEqual([])
  expect(report.troubles).toEqual([])
  expect([...new Set(report.verdicts.map(({ invariant }) => invariant))]).toEqual(INVARIANTS)
  expect(report.faults.kinds).toBeGreaterThanOrEqual(10)
  expect(report.counts['acknowledged']).toBeGreaterThan(3_000)
  expect(code).toBe(0)
})

async function runTorture(...args: string[]): Promise<{ code: number | null; report: Report }> {
  // The lifeline ends the harness, and with it all that it started, when the worker of this test is killed.
  const imports = ['--import', 'tsx', '--import', './scripts/lifeline.mjs']
  const child = spawn(process.execPath, [...imports, 'scripts/torture.ts', ...args, '--json'], {
    cwd: REPO,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let [output, progress] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (progress += chunk.toString()))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (output === '') throw new Error(`the harness printed no report:\n${progress}`)
  return { code, report: JSON.parse(output) as Report }
}
