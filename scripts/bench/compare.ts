// Two revisions in turns, A B A B: what changes on the machine meanwhile falls on both.
import { execFile } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LoadResult } from './load/measure.ts'
import { medianOf, type Figures } from './report/figures.ts'
import type { Cleanup } from './stage/cleanup.ts'
import { REPO } from './stage/processes.ts'
import { openStage, type StageNeeds } from './stage/stage.ts'
import { chosen, type Suite } from './suite.ts'

const run = promisify(execFile)

export async function runCompare(
  suite: Suite,
  needs: Omit<StageNeeds, 'people' | 'nodes' | 'name' | 'repo'>,
  cleanup: Cleanup,
): Promise<Figures> {
  const { options, runner, progress } = suite
  const workloads = chosen(options)
  if (workloads.length === 0) throw new Error('--compare runs W1, W2 and W3; none of them was chosen')
  const { path, revision } = await checkOut(suite, needs.dataDir, cleanup)
  const sides = [
    { name: 'here', repo: REPO, found: new Map<string, LoadResult[]>() },
    { name: 'there', repo: path, found: new Map<string, LoadResult[]>() },
  ] as const
  const people = Math.max(...workloads.map((workload) => workload.people))
  for (let turn = 1; turn <= options.runs; turn += 1)
    for (const { name, repo, found } of sides) {
      progress.say(`turn ${turn} of ${options.runs}: ${name === 'here' ? 'this checkout' : revision}`)
      const stage = await openStage({ ...needs, name, repo, people, nodes: options.nodes })
      const stop = stage.stop
      cleanup.add(stop)
      try {
        for (const workload of workloads) {
          const result = await runner.parley(stage, workload)
          found.set(workload.name, [...(found.get(workload.name) ?? []), result])
        }
      } finally {
        await stop()
      }
    }
  const mediansOf = ({ found }: (typeof sides)[number]): LoadResult[] => [...found.values()].map(medianOf)
  return { loads: mediansOf(sides[0]), other: { revision, loads: mediansOf(sides[1]) } }
}

const git = async (...args: string[]): Promise<string> =>
  (await run('git', args, { cwd: REPO })).stdout.trim()

const lockOf = (repo: string): Promise<string> => readFile(join(repo, 'package-lock.json'), 'utf8')

/** A work tree of the revision beside ours, with our packages. */
async function checkOut(
  { options, progress }: Suite,
  dataDir: string,
  cleanup: Cleanup,
): Promise<{ path: string; revision: string }> {
  const revision = await git('rev-parse', '--short', '--verify', `${options.revision}^{commit}`).catch(() => {
    throw new Error(`there is no revision ${options.revision}`)
  })
  const path = join(dataDir, 'revision')
  await git('worktree', 'add', '--detach', path, revision)
  cleanup.add(async () => {
    await git('worktree', 'remove', '--force', path)
  })
  await symlink(join(REPO, 'node_modules'), join(path, 'node_modules'))
  if ((await lockOf(REPO)) !== (await lockOf(path)))
    progress.say(`${revision} asks for other packages; it runs with those of this checkout`)
  return { path, revision }
}
