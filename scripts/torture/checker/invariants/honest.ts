import { seconds } from '../allowance.ts'
import { grouped, type Reading } from '../reading.ts'
import type { Act } from '../../history/operation.ts'
import type { TruthMessage } from '../truth.ts'
import type { Findings } from '../verdict.ts'

/** Of the session or of the id, not of this message. */
const SAYS_NOTHING = new Set(['UNAUTHORIZED', 'INVALID_TOKEN', 'TOKEN_EXPIRED', 'CONFLICT'])

/** No acknowledgement without effect, no final refusal with effect. */
export function checkHonest(reading: Reading, findings: Findings): void {
  for (const send of reading.sends.values()) {
    const final = send.refusals.find((refusal) => !refusal.retryable && !SAYS_NOTHING.has(refusal.code))
    if (final === undefined || send.acks.length > 0) continue
    const stored = reading.stored(send)
    findings.expect(
      stored === undefined,
      () =>
        `${send.clientId} of ${send.device} was refused for good (${final.code}) at ${seconds(final.at)}, ` +
        `and stands in ${send.chat} as #${stored?.seq}`,
    )
  }
  for (const act of reading.acts) checkAct(reading, act, findings)
  checkLastWord(reading, ['react'], (act) => `${act.chat} ${act.seq} ${reading.userOf(act.device)}`, findings)
  checkLastWord(reading, ['block', 'unblock'], (act) => act.chat, findings)
}

function checkAct(reading: Reading, act: Act, findings: Findings): void {
  const { what, outcome, chat, seq } = act
  const message = seq === null ? undefined : reading.chats.get(chat)?.bySeq.get(seq)
  if ((what === 'edit' || what === 'delete') && message !== undefined && outcome !== 'unknown') {
    const hasEffect = what === 'delete' ? message.isDeleted : isInText(message, act.value)
    const isRight =
      outcome === 'acked' ? hasEffect || message.isDeleted : !hasEffect || isDoneByOther(reading, act)
    findings.expect(isRight, () => describe(act, hasEffect))
  }
  if ((what === 'add' || what === 'remove') && outcome === 'acked' && seq !== null) {
    const member = reading.member(chat, reading.userNamed(act.whom ?? ''))
    const hasEffect = member?.visible.some(({ from, to }) => (what === 'add' ? from : to) === seq) === true
    findings.expect(hasEffect && message?.type === 'system', () => describe(act, false))
  }
}

const isInText = ({ content, edits }: TruthMessage, text: string | null): boolean =>
  content === text || (text !== null && edits.includes(text))

/** A delete that was refused because there was one already. */
const isDoneByOther = (reading: Reading, act: Act): boolean =>
  act.what === 'delete' &&
  reading.acts.some(
    (other) => other !== act && other.what === 'delete' && other.chat === act.chat && other.seq === act.seq,
  )

/** Of what one person does to one thing one after the other, the last acknowledged word holds. */
function checkLastWord(
  reading: Reading,
  whats: Act['what'][],
  keyOf: (act: Act) => string,
  findings: Findings,
): void {
  const groups = grouped(
    reading.acts.filter((act) => whats.includes(act.what)),
    keyOf,
  )
  for (const acts of groups.values()) {
    const last = acts.toSorted((a, b) => a.at - b.at).at(-1)
    if (last === undefined || last.outcome !== 'acked') continue
    const hasEffect =
      last.what === 'react' ? isReacted(reading, last) : isBlocked(reading, last) === (last.what === 'block')
    findings.expect(hasEffect, () => describe(last, false))
  }
}

function isReacted(reading: Reading, { chat, seq, device, value }: Act): boolean {
  const message = reading.chats.get(chat)?.bySeq.get(seq ?? 0)
  if (message === undefined || message.isDeleted) return true
  return message.reactions.some((one) => one.userId === reading.userOf(device) && one.emoji === value)
}

function isBlocked(reading: Reading, { device, whom }: Act): boolean {
  const [blockerId, blockedId] = [reading.userOf(device), reading.userNamed(whom ?? '')]
  return reading.truth.blocks.some(
    (block) => block.blockerId === blockerId && block.blockedId === blockedId && block.isActive,
  )
}

function describe({ what, device, chat, seq, value, outcome, until, code }: Act, hasEffect: boolean): string {
  const said = outcome === 'acked' ? 'was acknowledged' : `was refused (${code})`
  const place = `${chat}${seq === null ? '' : ` #${seq}`}`
  return `${what} ${value ?? ''} of ${place} by ${device} ${said} at ${seconds(until)} and has ${hasEffect ? 'an' : 'no'} effect`
}
