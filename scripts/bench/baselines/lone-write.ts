// What one durable write takes on this machine with nothing around it: the document of a message, all its indexes, a
// journaled majority, one at a time at W2's rhythm. No server can acknowledge a lone message faster.
import { setTimeout as sleep } from 'node:timers/promises'
import { withBareMessages } from './bare-messages.ts'
import { newSeedChat, nextMessage } from '../growth/documents.ts'
import { quantiles, type Quantiles } from '../load/tracker.ts'

const DATABASE = 'lone_write'

export async function measureLoneWrite(
  mongoUrl: string,
  options: { everyMs: number; warmupSeconds: number; seconds: number },
): Promise<Quantiles> {
  return withBareMessages(mongoUrl, DATABASE, async (messages) => {
    const chat = newSeedChat()
    const times: number[] = []
    const startedAt = performance.now()
    const warmAt = startedAt + options.warmupSeconds * 1000
    const endAt = warmAt + options.seconds * 1000
    for (let due = startedAt; due < endAt; due += options.everyMs) {
      await sleep(Math.max(0, due - performance.now()))
      const at = performance.now()
      await messages.insertOne(nextMessage(chat, new Date()))
      if (at >= warmAt) times.push(performance.now() - at)
    }
    const found = quantiles(times)
    if (found === null) throw new Error('no lone write was measured')
    return found
  })
}
