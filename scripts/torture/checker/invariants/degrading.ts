import { healMs, seconds } from '../allowance.ts'
import type { Reading, Send } from '../reading.ts'
import type { Fault } from '../../history/operation.ts'
import type { Findings } from '../verdict.ts'

const ANSWERED_WITHIN_MS = 5_000
/** The way there and back, and this process's own share. */
const SLACK_MS = 1_000
const MAJORITY = /majority/i

/** What must go on goes on, what cannot is refused in time, and everything heals by itself. */
export function checkDegrading(reading: Reading, findings: Findings): void {
  for (const fault of reading.allowance.faults) {
    if (fault.concerns === 'client') continue
    checkHealing(fault, reading.allowance.faults, findings)
    const isAlone = reading.allowance.around(fault.at, fault.until).every((other) => other === fault)
    if (!isAlone) continue
    if (fault.concerns === 'redis' || fault.concerns === 'postgres')
      checkAnswers(reading, fault, 'acked', findings)
    if (fault.concerns === 'mongo' && MAJORITY.test(fault.name)) checkAnswers(reading, fault, 'any', findings)
  }
}

/** Of two at once the slower one sets the time for both. */
function checkHealing(fault: Fault, all: Fault[], findings: Findings): void {
  const { name, until, healedAt } = fault
  const allowed = Math.max(...all.filter((other) => other.until === until).map(healMs))
  findings.expect(healedAt !== null && healedAt - until <= allowed, () => {
    const took = healedAt === null ? 'never healed' : `took ${seconds(healedAt - until)} to heal`
    return `${name}, ended at ${seconds(until)}, ${took}; ${seconds(allowed)} are allowed`
  })
}

/** Who kept his connection got an answer in time: an ack, or where none can be given a refusal that may be retried. */
function checkAnswers(reading: Reading, fault: Fault, kind: 'acked' | 'any', findings: Findings): void {
  const patience = ANSWERED_WITHIN_MS + SLACK_MS
  for (const send of reading.sends.values()) {
    if (!send.isPlain || send.at < fault.at || send.at > fault.until - patience) continue
    if (!keptConnection(reading, send, send.at + patience)) continue
    const answers = kind === 'acked' ? send.acks : [...send.acks, ...send.refusals]
    const first = Math.min(...answers.map((answer) => answer.at))
    const what = `${send.clientId} of ${send.device}, sent at ${seconds(send.at)} during ${fault.name},`
    findings.expect(first - send.at <= patience, () => `${what} was not answered within 5 s`)
    if (kind === 'acked') continue
    const final = send.refusals.find((refusal) => !refusal.retryable && refusal.at <= fault.until)
    findings.expect(
      final === undefined || isHis(final.code),
      () => `${what} was refused for good: ${final?.code}`,
    )
  }
}

/** Refusals that have nothing to do with the fault. */
const isHis = (code: string): boolean => code === 'RESOURCE_NOT_FOUND' || code === 'PERMISSION_DENIED'

function keptConnection(reading: Reading, { device, at }: Send, until: number): boolean {
  return reading.connections.get(device)?.some(({ from, to }) => from <= at && to >= until) === true
}
