import { sees, type Reading } from '../reading.ts'
import type { Held } from '../../history/operation.ts'
import type { Findings } from '../verdict.ts'

/** What a device holds at the end is what a fresh one fetches, and that is what is stored. */
export function checkConvergent(reading: Reading, findings: Findings): void {
  const fresh = new Map<string, Held>()
  for (const held of reading.held) {
    if (held.by === 'fresh') fresh.set(`${reading.userOf(held.device)} ${held.chat}`, held)
  }
  for (const held of fresh.values()) checkFresh(reading, held, findings)
  for (const held of reading.held) {
    const userId = reading.userOf(held.device)
    const whole = fresh.get(`${userId} ${held.chat}`)
    // Who is out keeps what he had: what changed afterwards is not for him.
    if (held.by !== 'device' || whole === undefined || reading.member(held.chat, userId)?.isActive !== true)
      continue
    findings.checked += 1
    const difference = differenceOf(held, whole)
    if (difference !== null) findings.add(`${held.device} in ${held.chat}: ${difference}`)
  }
}

function checkFresh(reading: Reading, held: Held, findings: Findings): void {
  const chat = reading.chats.get(held.chat)
  const member = chat?.members.get(reading.userOf(held.device))
  const seqs = new Set(held.seqs)
  const missing = (chat?.truth?.messages ?? []).find(({ seq }) => sees(member, seq) && !seqs.has(seq))
  findings.expect(
    missing === undefined,
    () => `a fresh device beside ${held.device} lacks ${held.chat} #${missing?.seq}`,
  )
}

function differenceOf(held: Held, fresh: Held): string | null {
  const states = new Map(held.seqs.map((seq, i) => [seq, held.states[i]]))
  for (const [i, seq] of fresh.seqs.entries()) {
    const state = states.get(seq)
    if (state === undefined) return `#${seq} is missing`
    if (state !== fresh.states[i]) return `#${seq} is “${state}” instead of “${fresh.states[i]}”`
  }
  const known = new Set(fresh.seqs)
  const extra = held.seqs.find((seq) => !known.has(seq))
  if (extra !== undefined) return `#${extra} is there, and a fresh device has no such message`
  if (fresh.people !== null && String(held.people) !== String(fresh.people)) {
    return `it believes ${held.people?.length ?? 'no'} people to be in it instead of ${fresh.people.length}`
  }
  return null
}
