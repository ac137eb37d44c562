import { expect, test } from 'vitest'
import { mergeJobs, type ChatFanout } from './chat-fanout.ts'

const job = (rev: number): ChatFanout => ({
  chatHex: 'c',
  from: rev,
  to: rev,
  sets: [`user-${rev}`],
  events: [{ rev, set: 0, payload: `p${rev}`, unreadFor: '', origin: '' }],
})

test('consecutive jobs become one, and each event keeps its recipients', () => {
  const [merged, ...rest] = mergeJobs([job(7), job(8)])
  expect(rest).toEqual([])
  expect(merged).toMatchObject({ from: 7, to: 8 })
  expect(merged?.events.map((event) => [event.rev, merged.sets[event.set]])).toEqual([
    [7, 'user-7'],
    [8, 'user-8'],
  ])
})

test('a hole between two jobs, another node’s revision, is never told over', () => {
  expect(mergeJobs([job(7), job(9), job(10)]).map(({ from, to }) => [from, to])).toEqual([
    [7, 7],
    [9, 10],
  ])
})
