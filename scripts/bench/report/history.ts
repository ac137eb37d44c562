// What earlier runs on this machine found: one JSON document a line, in the data folder.
import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Growth } from '../growth/run.ts'
import type { LoadResult } from '../load/measure.ts'
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

/**
 * Of each kind the newest that there is, and which reports it comes from. Comparisons are left out, and runs on several
 * nodes or several members of MongoDB: their figures are others, not newer ones.
 */
export function newestOfEach(history: Report[]): { figures: Figures; from: Report[] } {
  const plain = history.filter(
    ({ how, figures }) => how.nodes === 1 && how.mongoMembers === 1 && figures.other === undefined,
  )
  const loads = new Map<string, LoadResult>()
  const growth: Growth = { sizes: [], groups: [], nodes: [] }
  const sources = new Map<string, Report>()
  const figures: Figures = {}
  for (const report of plain) {
    const { loads: theirs = [], growth: grown, ...single } = report.figures
    for (const load of theirs) {
      const name = `${load.workload} ${load.target}`
      loads.set(name, load)
      sources.set(name, report)
    }
    for (const part of ['sizes', 'groups', 'nodes'] as const) {
      if (grown === undefined || grown[part].length === 0) continue
      Object.assign(growth, { [part]: grown[part] })
      sources.set(part, report)
    }
    Object.assign(figures, single)
    for (const name of Object.keys(single)) sources.set(name, report)
  }
  return { figures: { ...figures, loads: [...loads.values()], growth }, from: [...new Set(sources.values())] }
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
