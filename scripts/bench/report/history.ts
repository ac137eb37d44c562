// What earlier runs on this machine found: one JSON document a line, in the data folder.
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { REPO } from '../stage/processes.ts'
import type { Figures, Report } from './figures.ts'
import { align } from './table.ts'
import { findTargets } from './wanted.ts'

const FILE = join(REPO, '.data/bench/history.jsonl')

export async function remember(report: Report): Promise<void> {
  await mkdir(dirname(FILE), { recursive: true })
  await appendFile(FILE, `${JSON.stringify(report)}\n`)
}

/** Oldest first. */
export async function readHistory(): Promise<Report[]> {
  const text = await readFile(FILE, 'utf8').catch(() => '')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Report)
}

/** Of each kind the newest that there is. */
export function newestOfEach(history: Report[]): Figures {
  return Object.assign({}, ...history.map(({ figures }) => figures)) as Figures
}

export function historyTable(history: Report[]): string {
  if (history.length === 0) return 'No run has been noted yet.'
  const rows = history.map(({ at, commit, how, figures }) => [
    at.slice(0, 16).replace('T', ' '),
    commit,
    `${how.seconds} s × ${how.runs}${how.nodes > 1 ? `, ${how.nodes} nodes` : ''}${how.mongoMembers > 1 ? ', mongo3' : ''}`,
    findTargets(figures)
      .map(({ name, shown, isMet }) => `${name} ${shown}${isMet ? '' : ' (missed)'}`)
      .join('; ') || Object.keys(figures).join(', '),
  ])
  return align([['when (UTC)', 'commit', 'how', 'found'], ...rows], 4)
}
