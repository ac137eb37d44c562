// PostgreSQL that dies or stands still. Open sockets go on without it.
import { readFile } from 'node:fs/promises'
import { sendSignal } from '../../stores/processes.ts'
import { type Fault, HEAL_SECONDS, INSTANT } from './fault.ts'

const base = { concerns: 'postgres', healSeconds: HEAL_SECONDS } as const

export const postgresFaults: Fault[] = [
  {
    ...base,
    name: 'postgres-kill',
    title: 'kill -9 of PostgreSQL, and a start in its place',
    lastsMs: [200, 2_000],
    begin: async ({ world }) => {
      const { postgres } = world.stores
      await postgres.kill()
      return { mend: () => postgres.restart() }
    },
  },
  {
    ...base,
    name: 'postgres-freeze',
    title: 'SIGSTOP of PostgreSQL with all its processes',
    lastsMs: [3_000, 9_000],
    begin: async ({ world }) => {
      const pids = await freezeFamily(world.stores.postgres.pid)
      return { mend: async () => pids.forEach((pid) => sendSignal(pid, 'SIGCONT')) }
    },
  },
  {
    ...base,
    name: 'postgres-outage',
    title: 'PostgreSQL is gone for long',
    lastsMs: INSTANT,
    isOutage: true,
    begin: async ({ world }) => {
      const { postgres } = world.stores
      await postgres.kill()
      return { mend: () => postgres.restart() }
    },
  },
]

// The first process goes first: it is the one that makes more.
async function freezeFamily(pid: number): Promise<number[]> {
  sendSignal(pid, 'SIGSTOP')
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const children = text.trim().split(/\s+/).filter(Boolean).map(Number)
  for (const child of children) sendSignal(child, 'SIGSTOP')
  return [...children, pid]
}
