// Sockets that stop reading: what they cost the server's memory and the others' latency, and whether they come back.
import { on, once } from 'node:events'
import type { Chat } from '../../../src/client/model.ts'
import { measure, type LoadResult } from '../load/measure.ts'
import type { Person, Workload } from '../plan.ts'
import type { Progress } from '../progress.ts'
import { watchRss } from '../sampling/memory.ts'
import { clientOf, makeChats } from '../stage/people.ts'
import { startScript, stopProcess } from '../stage/processes.ts'
import type { Stage } from '../stage/stage.ts'
import type { FromReaders, Returned, ToReaders } from './words.ts'

const SLOW = 50
const READING = 10
const BYTES = 2_048
const RATE = 400
const WARMUP_SECONDS = 3
const RETURN_DEADLINE_MS = 600_000

/** Of the slow ones, and of those who read. */
export const SLOW_PEOPLE = SLOW + READING

export type SlowResult = {
  messages: number
  withoutMs: LoadResult['counts']['receiveMs']
  withMs: LoadResult['counts']['receiveMs']
  messagesPerSecond: number
  rssGrowthBytes: number | null
  /** After the collector has run, with the slow ones still not reading. */
  heldBytes: number
  readers: number
  returned: Omit<Returned, 'type'>
}

export async function runSlow(stage: Stage, messages: number, progress: Progress): Promise<SlowResult> {
  const seconds = Math.max(1, Math.round(messages / RATE))
  const people = await stage.cast.people(SLOW_PEOPLE)
  const slow = people.slice(READING)
  const workload: Workload = {
    name: 'slow',
    title: 'a group in which most do not read',
    people: SLOW_PEOPLE,
    shape: 'group',
    lanes: 1,
    load: { ratePerSecond: RATE },
    recipients: READING - 1,
    bytes: BYTES,
  }
  // Two groups of the same size: in the first the fifty are away, so that both cost the same fan-out.
  const without = await load(stage, people, workload, seconds, progress)
  const readers = startScript('scripts/bench/slow/readers.ts')
  const tell = (order: ToReaders): void => void readers.send(order)
  try {
    progress.show('slow', `${SLOW} connect and stop reading`)
    tell({ type: 'open', urls: stage.urls, people: slow })
    const [paused] = (await once(readers, 'message')) as [FromReaders]
    if (paused.type !== 'paused') throw new Error('the slow readers did not connect')
    const before = await stage.first.weigh()
    const watch = watchRss(stage.first.pid)
    const withSlow = await load(stage, people, workload, seconds, progress)
    const peak = watch.stop()
    const after = await stage.first.weigh()
    const { chatId } = withSlow
    const { lastSeq } = await clientOf(stage.first.url, people[0] as Person).get<Chat>(`/api/chats/${chatId}`)
    const returning = answerOf(readers, progress)
    tell({ type: 'return', chatId, lastSeq, deadlineMs: RETURN_DEADLINE_MS })
    const { type: _, ...returned } = await returning
    progress.end()
    return {
      messages: lastSeq,
      withoutMs: without.result.counts.receiveMs,
      withMs: withSlow.result.counts.receiveMs,
      messagesPerSecond: withSlow.result.messagesPerSecond,
      rssGrowthBytes: peak === null ? null : peak - before.rss,
      heldBytes: after.heapUsed + after.external - before.heapUsed - before.external,
      readers: SLOW,
      returned,
    }
  } finally {
    await stopProcess(readers)
  }
}

async function load(
  stage: Stage,
  people: Person[],
  workload: Workload,
  seconds: number,
  progress: Progress,
): Promise<{ chatId: string; result: LoadResult }> {
  const chatIds = await makeChats(stage.first.url, people, workload)
  const reading = people.slice(0, READING)
  const target = { kind: 'parley', urls: stage.urls, people: reading, chatIds, withReceipts: false } as const
  const order = { workload, target, warmupSeconds: WARMUP_SECONDS, seconds }
  const result = await measure(order, stage.pids, { progress: (line) => progress.show('slow', line) })
  progress.end()
  return { chatId: chatIds[0] ?? '', result }
}

async function answerOf(readers: ReturnType<typeof startScript>, progress: Progress): Promise<Returned> {
  const gone = new AbortController()
  readers.once('exit', () => gone.abort(new Error('the slow readers ended')))
  for await (const [said] of on(readers, 'message', { signal: gone.signal })) {
    const message = said as FromReaders
    if (message.type === 'returned') return message
    if (message.type === 'progress')
      progress.show(
        'slow',
        `${message.there} of ${SLOW} are back, ${(message.share * 100).toFixed(0)} % read`,
      )
  }
  throw new Error('the slow readers said nothing')
}
