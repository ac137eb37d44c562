// The devices that stop reading and come back: conforming clients in a process of their own.
import { clientOf } from '../stage/people.ts'
import { ParleySocket } from '../../../src/client/socket.ts'
import { SeenMessages } from './seen-messages.ts'
import type { FromReaders, ToReaders } from './words.ts'

type Reader = { socket: ParleySocket; seen: SeenMessages }

const LOOK_EVERY_MS = 200

let readers: Reader[] = []
let closes: Record<string, number> = {}

const say = (message: FromReaders): void => void process.send?.(message)

async function open(order: ToReaders & { type: 'open' }): Promise<void> {
  readers = order.people.map((person, i) => {
    const client = clientOf(order.urls[i % order.urls.length] ?? '', person)
    const seen = new SeenMessages()
    // The watch would take the silence of a device that does not read for the server's.
    const socket = new ParleySocket({ client, storage: seen, silenceMs: 0 })
    socket.on('close', (close) => {
      const { code } = close as { code: number }
      closes[code] = (closes[code] ?? 0) + 1
    })
    return { socket, seen }
  })
  await Promise.all(
    readers.map(async ({ socket }) => {
      const caughtUp = new Promise((resolve) => socket.once('caught-up', resolve))
      await socket.start()
      await caughtUp
    }),
  )
  for (const { socket } of readers) socket.link?.pause()
  say({ type: 'paused' })
}

/** Reads again, and waits until everyone has every message of the chat. */
async function comeBack(order: ToReaders & { type: 'return' }): Promise<void> {
  closes = {}
  const startedAt = performance.now()
  for (const { socket } of readers) socket.link?.resume()
  const isThere = ({ seen }: Reader): boolean => seen.revOf(order.chatId) >= order.lastSeq
  let saidAt = startedAt
  while (!readers.every(isThere) && performance.now() - startedAt < order.deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    if (performance.now() - saidAt < 2_000) continue
    saidAt = performance.now()
    const share = readers.reduce((sum, { seen }) => sum + seen.revOf(order.chatId) / order.lastSeq, 0)
    say({ type: 'progress', there: readers.filter(isThere).length, share: share / readers.length })
  }
  say({
    type: 'returned',
    converged: readers.filter(isThere).length,
    seconds: (performance.now() - startedAt) / 1000,
    oddities: readers.flatMap(({ seen }) => seen.oddities).length,
    closes,
  })
  await Promise.all(readers.map(({ socket }) => socket.stop()))
}

process.on('message', (message) => {
  const order = message as ToReaders
  const work = order.type === 'open' ? open(order) : comeBack(order)
  work.catch((err: unknown) => {
    console.error(err)
    process.exit(1)
  })
})
process.once('disconnect', () => process.exit())
