// Holds thousands of idle signed-in connections, in a process of its own; cuts some of them at once and brings them
// back, as phones do: spread over two seconds, and when refused, when they were told to.
import { setTimeout as sleep } from 'node:timers/promises'
import { quantiles } from '../load/tracker.ts'
import { RawClient } from './raw-client.ts'
import type { Backed, FromHolder, Opened, ToHolder } from './words.ts'

type Seat = { url: URL; token: string; cursor: string | null; client: RawClient | null; isIn: boolean }

const RETRY_MS = 500
const OPEN_DEADLINE_MS = 300_000
const SAY_EVERY_MS = 1_000

const seats: Seat[] = []
let refusals = 0

const say = (message: FromHolder): void => void process.send?.(message)

/** Connects and stays connected, coming again after every refusal; says when it is in for the first time. */
function enter(seat: Seat, onIn: () => void): void {
  let isTold = false
  stay(seat, () => {
    if (!isTold) onIn()
    isTold = true
  })
}

function stay(seat: Seat, onIn: () => void): void {
  const client = new RawClient(seat, {
    ready: (cursor) => {
      seat.cursor = cursor
      seat.isIn = true
      onIn()
    },
    ended: (hintMs) => {
      // Cut by us: whoever cuts also brings back.
      if (seat.client !== client) return
      seat.isIn = false
      refusals += 1
      setTimeout(() => stay(seat, onIn), (hintMs ?? RETRY_MS) * (1 + Math.random()))
    },
  })
  seat.client = client
}

async function open(order: ToHolder & { type: 'open' }): Promise<Opened> {
  const from = seats.length
  for (const [i, token] of order.tokens.entries()) {
    const url = new URL(order.urls[i % order.urls.length] ?? '')
    seats.push({ url, token, cursor: null, client: null, isIn: false })
  }
  const mine = seats.slice(from)
  const waits: number[] = []
  refusals = 0
  let next = 0
  const startedAt = performance.now()
  await new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error('the connections did not open')), OPEN_DEADLINE_MS)
    const beat = setInterval(() => say({ type: 'progress', count: waits.length }), SAY_EVERY_MS)
    const one = (): void => {
      const seat = mine[next++]
      if (seat === undefined) return
      const at = performance.now()
      enter(seat, () => {
        waits.push(performance.now() - at)
        if (waits.length < mine.length) return one()
        clearTimeout(deadline)
        clearInterval(beat)
        resolve()
      })
    }
    for (let i = 0; i < Math.min(order.width, mine.length); i += 1) one()
  })
  const seconds = (performance.now() - startedAt) / 1000
  return { type: 'opened', count: mine.length, seconds, refusals, waitMs: quantiles(waits) }
}

async function cut(order: ToHolder & { type: 'cut' }): Promise<Backed> {
  const cutting = seats.filter((seat) => seat.isIn).slice(0, order.count)
  refusals = 0
  const startedAt = performance.now()
  const times: number[] = []
  for (const seat of cutting) {
    const { client } = seat
    seat.client = null
    seat.isIn = false
    client?.cut()
    const back = (): number => times.push((performance.now() - startedAt) / 1000)
    setTimeout(() => enter(seat, back), Math.random() * order.jitterMs)
  }
  while (times.length < cutting.length && performance.now() - startedAt < order.deadlineMs) {
    await sleep(50)
    if (times.length % 500 < 50) say({ type: 'progress', count: times.length })
  }
  const secondsTo = (share: number): number | null => times[Math.ceil(cutting.length * share) - 1] ?? null
  return {
    type: 'backed',
    cut: cutting.length,
    back: times.length,
    secondsToHalf: secondsTo(0.5),
    secondsTo99: secondsTo(0.99),
    secondsToAll: secondsTo(1),
    refusals,
  }
}

process.on('message', (message) => {
  const order = message as ToHolder
  const work = order.type === 'open' ? open(order) : cut(order)
  work.then(say, (err: unknown) => {
    console.error(err)
    process.exit(1)
  })
})
process.once('disconnect', () => process.exit())
