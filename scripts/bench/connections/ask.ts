// Talking to the process that holds the connections.
import type { ChildProcess } from 'node:child_process'
import { on } from 'node:events'
import type { FromHolder, ToHolder } from './words.ts'

/** One order at a time; everything but progress is its answer. */
export async function askHolder<T extends FromHolder>(
  holder: ChildProcess,
  order: ToHolder,
  onProgress: (count: number) => void,
): Promise<T> {
  const gone = new AbortController()
  const leave = (): void => gone.abort(new Error('the holder of the connections ended'))
  holder.once('exit', leave)
  holder.send(order)
  for await (const [said] of on(holder, 'message', { signal: gone.signal })) {
    const message = said as FromHolder
    if (message.type === 'progress') onProgress(message.count)
    else {
      holder.off('exit', leave)
      return message as T
    }
  }
  throw new Error('the holder of the connections said nothing')
}
