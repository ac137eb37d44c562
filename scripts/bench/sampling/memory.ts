// Resident memory of a process over time, from /proc; null where there is none.
import { readFileSync } from 'node:fs'

const EVERY_MS = 250

export function readRss(pid: number): number | null {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kibibytes === undefined ? null : Number(kibibytes) * 1024
  } catch {
    return null
  }
}

/** Keeps the highest reading until it is asked for. */
export function watchRss(pid: number): { stop: () => number | null } {
  let highest = readRss(pid)
  const timer = setInterval(() => {
    const now = readRss(pid)
    if (now !== null) highest = Math.max(highest ?? 0, now)
  }, EVERY_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return highest
    },
  }
}
