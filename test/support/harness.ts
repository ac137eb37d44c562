// `npm run torture` as a child of a test.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Report } from '../../scripts/torture/report.ts'

const REPO = fileURLToPath(new URL('../..', import.meta.url))

/** Runs the harness to its end; `progress` is all that it said on the way. */
export async function runHarness(
  ...args: string[]
): Promise<{ code: number | null; report: Report; progress: string }> {
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
  return { code, report: JSON.parse(output) as Report, progress }
}
