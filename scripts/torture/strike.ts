// One step of the schedule: the faults begin, last, and end, and then the healing is timed.
import { setTimeout as pause } from 'node:timers/promises'
import type { Damage, Fault, Stage } from './faults/fault.ts'
import { healed } from './healing.ts'
import type { Step, Stroke } from './schedule.ts'

export type Struck = {
  name: string
  concerns: Fault['concerns']
  at: number
  until: number
  healedAt: number | null
  /** Allowed from `until` to `healedAt`. */
  healSeconds: number
}

/** Carries a step out and records it. An abort ends its faults early, and mends what was broken all the same. */
export async function strike(stage: Stage, step: Step, signal: AbortSignal): Promise<Struck[]> {
  const begun = await Promise.all(
    step.strokes.map((stroke) => carryOut({ ...stage, random: step.random }, stroke, signal)),
  )
  const healedAt = await healed(stage)
  // Two at once may take as long as the slower of the two is allowed to.
  const healSeconds = Math.max(...step.strokes.map(({ fault }) => fault.healSeconds))
  const lastEnd = Math.max(...begun.map(({ until }) => until))
  const struck = begun.map(({ fault, at }) => ({
    name: fault.name,
    concerns: fault.concerns,
    at,
    until: lastEnd,
    healedAt,
    healSeconds,
  }))
  for (const { name, concerns, at, until } of struck) {
    stage.history.record({ kind: 'fault', name, concerns, at, until, healedAt })
  }
  for (const { damage } of begun) await damage.after?.()
  return struck
}

async function carryOut(
  stage: Stage,
  { fault, lastsMs }: Stroke,
  signal: AbortSignal,
): Promise<{ fault: Fault; at: number; until: number; damage: Damage }> {
  const at = stage.history.now()
  const damage = await fault.begin(stage)
  if (damage.mend) {
    await pause(lastsMs, null, { signal }).catch(() => {})
    await damage.mend()
  }
  return { fault, at, until: stage.history.now(), damage }
}
