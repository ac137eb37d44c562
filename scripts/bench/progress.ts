// What a run says while it goes on: to stderr, so that stdout holds nothing but the result.
export type Bar = { add: (count: number) => void; set: (count: number) => void; done: () => void }

export type Progress = {
  say: (line: string) => void
  /** A line that the next one replaces, where there is a terminal. */
  show: (label: string, line: string) => void
  end: () => void
  bar: (label: string, total: number) => Bar
}

const BAR_WIDTH = 24
const BAR_EVERY_MS = 500
const PLAIN_EVERY_MS = 10_000

const say = (line: string): void => void process.stderr.write(`${line}\n`)

export function openProgress(): Progress {
  const isTerminal = process.stderr.isTTY
  const show = (label: string, line: string): void => {
    const text = `  ${label}: ${line}`
    if (isTerminal) process.stderr.write(`\r\u001B[2K${text}`)
    else say(text)
  }
  const end = (): void => {
    if (isTerminal) process.stderr.write('\r\u001B[2K')
  }
  const bar = (label: string, total: number): Bar => {
    const startedAt = performance.now()
    let count = 0
    let drawnAt = 0
    const set = (to: number): void => {
      count = to
      const now = performance.now()
      if (now - drawnAt < (isTerminal ? BAR_EVERY_MS : PLAIN_EVERY_MS)) return
      drawnAt = now
      show(label, drawBar(count, total, (now - startedAt) / 1000))
    }
    const done = (): void => {
      end()
      const seconds = (performance.now() - startedAt) / 1000
      const rate = seconds < 0.1 ? '' : `, ${grouped(total / seconds)} a second`
      say(`  ${label}: ${grouped(total)} in ${seconds.toFixed(1)} s${rate}`)
    }
    return { add: (more) => set(count + more), set, done }
  }
  return { say, show, end, bar }
}

function drawBar(count: number, total: number, seconds: number): string {
  const share = total === 0 ? 1 : count / total
  const filled = Math.round(share * BAR_WIDTH)
  const rate = seconds === 0 ? 0 : count / seconds
  const left = rate === 0 ? '–' : `${Math.ceil((total - count) / rate)} s left`
  const drawn = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`
  return `${drawn} ${(share * 100).toFixed(0)} %, ${grouped(count)} of ${grouped(total)}, ${grouped(rate)}/s, ${left}`
}

export const grouped = (value: number): string => Math.round(value).toLocaleString('en-US')
