// The folder of one run, below the data folder; what a killed run left there goes with the next start.
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { markProcess } from '../stores/processes.ts'
import { endLeftover } from '../stores/supervise.ts'

const root = join(import.meta.dirname, '../../.data/torture')

/** Makes the folder, named by this process. */
export async function makeRunFolder(): Promise<string> {
  await removeAbandoned()
  const folder = join(root, `run-${process.pid}`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  return folder
}

/** Removes it, or keeps the history and the nodes' logs under a name that stays; with `all`, the stores too. */
export async function leaveRunFolder(
  folder: string,
  keep: 'nothing' | 'evidence' | 'all',
  seed: number,
): Promise<string | null> {
  if (keep === 'nothing') {
    await rm(folder, { recursive: true, force: true })
    return null
  }
  if (keep === 'evidence') {
    for (const name of await readdir(folder)) {
      if (!EVIDENCE.has(name)) await rm(join(folder, name), { recursive: true, force: true })
    }
  }
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')
  const kept = join(root, `kept-${stamp}-seed-${seed}`)
  await rename(folder, kept)
  return kept
}

const EVIDENCE = new Set(['nodes', 'history.jsonl', 'report.json'])

async function removeAbandoned(): Promise<void> {
  await mkdir(root, { recursive: true })
  for (const name of await readdir(root)) {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1])
    if (!pid || (await markProcess(pid))) continue
    const folder = join(root, name)
    // The stores end by themselves when the run is killed, and so does a node, unless it was frozen at that moment.
    for (const mark of await readdir(join(folder, 'run')).catch(() => [])) {
      const process = /^(.+)\.pid$/.exec(mark)?.[1]
      if (process !== undefined) await endLeftover(folder, process, 'INT', console.error)
    }
    await rm(folder, { recursive: true, force: true })
  }
}
