import { assert, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check, type Verdict } from '../scripts/torture/checker/check.ts'
import type { Operation } from '../scripts/torture/history/operation.ts'
import { idOf, PlantedRun } from './support/planted-run.ts'

/** A bug is planted while the run goes on, or afterwards into what was written down of it. */
type Plant = { during?: (run: PlantedRun) => void; after?: (run: PlantedRun) => void }

const GROUP = 'group 1'
const PAIR = 'ann+ben'

function runWith(seed: number, plant: Plant = {}): Verdict[] {
  const run = new PlantedRun(seed)
  const talk = (count: number): void => {
    for (let i = 0; i < count; i += 1) {
      const chat = run.random.pick([GROUP, PAIR, 'ann+eve'])
      const people = run.chat(chat).members.filter(({ isActive }) => isActive)
      const device = `${run.random.pick(people).userId.slice(3)}.a`
      const message = run.place(chat, device)
      if (run.random.next() < 0.2) run.read(chat, `${run.random.pick(people).userId.slice(3)}.a`)
      if (run.random.next() < 0.1) run.repeat(chat, device, message)
      if (run.random.next() < 0.1) run.contradict(chat, device, message)
    }
  }
  talk(20)
  for (const device of ['ann.a', 'ben.a', 'ann.a']) run.read(PAIR, device)
  run.fault('redis killed', 'redis', () => {
    talk(10)
    run.place(PAIR, 'ann.a', { clientId: 'ann.a.x-during' })
    run.wait(10_000)
  })
  run.fault('both secondaries frozen, no majority', 'mongo', () => run.refuseAndPlace(GROUP, 'cat.a', 12_000))
  run.remove('dan')
  talk(5)
  run.place(GROUP, 'ann.a')
  plant.during?.(run)
  run.block(true)
  run.place(PAIR, 'ben.a')
  run.place(PAIR, 'ann.a')
  run.wait(1_000)
  run.block(false)
  run.add('dan')
  talk(15)
  for (const chat of [GROUP, PAIR]) run.place(chat, 'ann.a')
  run.wait(30_000)
  run.revoke()
  run.finish()
  plant.after?.(run)
  return check(run, run.truth)
}

const broken = (verdicts: Verdict[]): number[] => verdicts.filter(({ ok }) => !ok).map((one) => one.invariant)

const all = <K extends Operation['kind']>(run: PlantedRun, kind: K): Extract<Operation, { kind: K }>[] =>
  run.operations.filter((op): op is Extract<Operation, { kind: K }> => op.kind === kind)

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the run has nothing to plant this bug into')
  return value
}

const lastArrival = (run: PlantedRun, device: string): Extract<Operation, { kind: 'received' }> =>
  found(all(run, 'received').findLast((op) => op.device === device && op.chat === GROUP))

const BUGS: Array<{ bug: string; invariant: number; plant: Plant }> = [
  {
    bug: 'an acknowledged message is lost',
    invariant: 1,
    plant: {
      after: ({ operations, now, ...run }) => {
        const message = { device: 'ann.a', chat: PAIR, clientId: 'ann.a.lost', play: 'plain' as const }
        operations.push({ kind: 'sent', at: now, ...message, content: 'lost' })
        operations.push({
          kind: 'acked',
          at: now + 9,
          ...message,
          seq: run.truth.chats.length + 900,
          id: 'lost',
        })
      },
    },
  },
  {
    bug: 'a message is stored with another text',
    invariant: 1,
    plant: {
      after: (run) => {
        found(run.chat(PAIR).messages.findLast(({ clientId }) => clientId === 'ann.a.x-during')).content =
          'text'
        const stored = found(run.chat(PAIR).messages.find(({ type }) => type === 'text'))
        stored.content = 'another text'
      },
    },
  },
  {
    bug: 'something was shown that is not stored',
    invariant: 1,
    plant: {
      after: (run) =>
        run.arrive(PAIR, 'ben.a', { ...found(run.chat(PAIR).messages[0]), seq: 9_999, rev: 9_999 }),
    },
  },
  {
    bug: 'a retry is stored again',
    invariant: 2,
    plant: {
      during: (run) => {
        const first = run.place(GROUP, 'ann.a')
        run.place(GROUP, 'ann.a', { clientId: first.clientId ?? '' })
      },
    },
  },
  {
    bug: 'another body under a used id is accepted',
    invariant: 2,
    plant: {
      after: (run) => {
        const sent = { device: 'ann.a', chat: PAIR, clientId: 'ann.a.1', play: 'other' as const }
        run.operations.push({ kind: 'sent', at: run.now, ...sent, content: 'other' })
        run.operations.push({ kind: 'acked', at: run.now + 9, ...sent, seq: 1, id: 'x' })
      },
    },
  },
  {
    bug: 'a device got two messages for one place',
    invariant: 2,
    plant: { after: (run) => (lastArrival(run, 'ben.a').id = 'msg another') },
  },
  {
    bug: 'a later message stands before an earlier one',
    invariant: 3,
    plant: {
      during: (run) => {
        const [early, late] = [run.place(GROUP, 'ann.a'), run.place(GROUP, 'ben.a')]
        const answers = all(run, 'acked').slice(-2)
        const [first, second] = [found(answers[0]), found(answers[1])]
        // As if the server had placed them the other way round, and told everyone so.
        ;[early.clientId, late.clientId] = [late.clientId, early.clientId]
        ;[early.senderId, late.senderId] = [late.senderId, early.senderId]
        ;[early.content, late.content] = [late.content, early.content]
        ;[first.seq, second.seq, first.id, second.id] = [second.seq, first.seq, second.id, first.id]
        for (const device of ['ann.a', 'ben.a']) {
          const own = device === 'ann.a' ? late : early
          const other = device === 'ann.a' ? early : late
          const got = found(all(run, 'received').findLast((op) => op.device === device && op.chat === GROUP))
          Object.assign(got, { seq: other.seq, rev: other.rev, id: idOf(GROUP, other.seq) })
          expect(own.seq).not.toBe(other.seq)
        }
      },
    },
  },
  {
    bug: 'a place is skipped',
    invariant: 3,
    plant: { during: (run) => run.place(GROUP, 'ann.a', { skip: 1 }) },
  },
  {
    bug: 'a device gets two messages in the wrong order',
    invariant: 3,
    plant: {
      after: (run) => {
        const [first, second] = all(run, 'received')
          .filter((op) => op.device === 'ben.a' && op.chat === GROUP)
          .slice(-2)
        const [a, b] = [found(first), found(second)]
        ;[a.seq, b.seq, a.id, b.id, a.rev, b.rev] = [b.seq, a.seq, b.id, a.id, b.rev, a.rev]
      },
    },
  },
  {
    bug: 'a message comes late',
    invariant: 4,
    plant: { after: (run) => (lastArrival(run, 'ben.a').at += 9_000) },
  },
  {
    bug: 'a message never comes',
    invariant: 4,
    plant: {
      after: (run) => {
        run.operations.splice(run.operations.indexOf(lastArrival(run, 'ben.a')), 1)
      },
    },
  },
  {
    bug: 'a device holds another state than a fresh one',
    invariant: 5,
    plant: {
      after: (run) => {
        const held = found(all(run, 'held').find((op) => op.by === 'device' && op.chat === GROUP))
        held.states[0] = 'an edit that the others do not have'
      },
    },
  },
  {
    bug: 'a device believes somebody to be in the chat who is out',
    invariant: 5,
    plant: {
      after: (run) => {
        const held = found(all(run, 'held').find((op) => op.by === 'device' && op.chat === GROUP))
        held.people = ['id-ann']
      },
    },
  },
  {
    bug: 'a message leaks to somebody who is out',
    invariant: 6,
    plant: { during: (run) => run.arrive(GROUP, 'dan.a', found(run.chat(GROUP).messages.at(-1))) },
  },
  {
    bug: 'history shows a message to somebody who is out',
    invariant: 6,
    plant: {
      during: (run) => {
        const message = found(run.chat(GROUP).messages.at(-1))
        const place = { seq: message.seq, rev: message.rev, id: idOf(GROUP, message.seq) }
        const how = { event: 'fetched', live: false, isVoid: false }
        run.operations.push({ kind: 'received', at: run.now, device: 'dan.a', chat: GROUP, ...place, ...how })
      },
    },
  },
  {
    bug: 'an edit is told to somebody who is out',
    invariant: 6,
    plant: {
      during: (run) => {
        const place = { seq: 1, rev: run.head(GROUP), id: idOf(GROUP, 1) }
        const how = { event: 'message:reaction:added', live: true, isVoid: false }
        run.operations.push({ kind: 'received', at: run.now, device: 'dan.a', chat: GROUP, ...place, ...how })
      },
    },
  },
  {
    bug: 'a message of a blocked person is shown',
    invariant: 7,
    plant: { after: (run) => (found(all(run, 'received').find((op) => op.isVoid)).isVoid = false) },
  },
  {
    bug: 'a block is not heeded',
    invariant: 7,
    plant: {
      during: (run) => {
        run.block(true)
        run.place(PAIR, 'ben.a', { isBlockIgnored: true })
        run.wait(1_000)
      },
    },
  },
  {
    bug: 'a count is one too high',
    invariant: 8,
    plant: { after: (run) => (found(all(run, 'counted').at(0)).unread += 1) },
  },
  {
    bug: 'a receipt goes back',
    invariant: 9,
    plant: {
      after: (run) => {
        const last = found(all(run, 'receipt').findLast((op) => op.upTo > 1))
        run.operations.push({ ...last, at: last.at + 25_000, upTo: last.upTo - 1 })
      },
    },
  },
  {
    bug: 'a stranger gets a receipt',
    invariant: 9,
    plant: {
      after: (run) => {
        const last = found(all(run, 'receipt').at(-1))
        run.operations.push({ ...last, device: 'eve.a' })
      },
    },
  },
  {
    bug: 'somebody who hides receipts gives one',
    invariant: 9,
    plant: {
      after: ({ operations, now }) =>
        operations.push({
          kind: 'receipt',
          at: now,
          device: 'ann.a',
          chat: 'ann+eve',
          person: 'eve',
          mark: 'read',
          upTo: 0,
        }),
    },
  },
  {
    bug: 'a read mark is forgotten',
    invariant: 9,
    plant: {
      after: (run) => {
        for (const op of all(run, 'receipt')) op.upTo = 0
        for (const op of all(run, 'counted')) Object.assign(op, { readSeq: 0, lastSeq: 0, unread: 0 })
        run.member(PAIR, 'ben').readSeq = 0
      },
    },
  },
  {
    bug: 'the socket of an ended session lives on',
    invariant: 10,
    plant: {
      after: (run) => {
        run.operations.splice(run.operations.indexOf(found(all(run, 'disconnected').at(-1))), 1)
      },
    },
  },
  {
    bug: 'the token of an ended session is good',
    invariant: 10,
    plant: { after: (run) => (found(all(run, 'token').at(-1)).status = 200) },
  },
  {
    bug: 'a fault never heals',
    invariant: 13,
    plant: { after: (run) => (found(all(run, 'fault').at(0)).healedAt = null) },
  },
  {
    bug: 'a send is not answered while Redis is away',
    invariant: 13,
    plant: {
      after: (run) => {
        const fault = found(all(run, 'fault').at(0))
        const acks = all(run, 'acked')
        const ack = acks.find(
          ({ at, clientId }) =>
            at > fault.at &&
            at < fault.at + 4_000 &&
            acks.filter((other) => other.clientId === clientId).length === 1,
        )
        run.operations.splice(run.operations.indexOf(found(ack)), 1)
      },
    },
  },
  {
    bug: 'a send is refused for good while there is no majority',
    invariant: 13,
    plant: {
      after: (run) =>
        Object.assign(found(all(run, 'refused').find((op) => op.retryable)), { retryable: false }),
    },
  },
  {
    bug: 'an acknowledged edit has no effect',
    invariant: 14,
    plant: {
      after: (run) => {
        const message = found(run.chat(PAIR).messages.at(-1))
        run.act({ what: 'edit', chat: PAIR, seq: message.seq, value: 'a new text' })
      },
    },
  },
  {
    bug: 'a message that was refused for good is stored',
    invariant: 14,
    plant: { during: (run) => run.place(GROUP, 'ann.a', { refusedWith: 'PERMISSION_DENIED' }) },
  },
]

const seeds = integer({ min: 0, max: 1_000_000 })

describe('the checker', () => {
  test('finds nothing in a correct run, and looks at everything', () => {
    assert(
      property(seeds, (seed) => {
        const verdicts = runWith(seed)
        expect(verdicts.flatMap((verdict) => verdict.counterexamples)).toEqual([])
        expect(verdicts.map((verdict) => verdict.invariant)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14])
        for (const verdict of verdicts) expect(verdict.checked, verdict.title).toBeGreaterThan(0)
      }),
      { numRuns: 50 },
    )
  })

  for (const { bug, invariant, plant } of BUGS) {
    test(`${bug}: invariant ${invariant} is broken, and no other`, () => {
      assert(
        property(seeds, (seed) => {
          const verdicts = runWith(seed, plant)
          expect(broken(verdicts), verdicts.flatMap((one) => one.counterexamples).join('\n')).toEqual([
            invariant,
          ])
        }),
        { numRuns: 20 },
      )
    })
  }
})
