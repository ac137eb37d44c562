/** JSON from strangers: broken, too deep or poisonous text is a 400, never a crash or a polluted prototype. */
import { AppError } from './errors.ts'
import { LIMITS } from './limits.ts'

export function parseJson(text: string): unknown {
  const value = readJson(text)
  requireShallow(value)
  return value
}

/** Of any depth: what is done with it must not recurse before `requireShallow`. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new AppError('INVALID_INPUT', 'The body is not valid JSON.')
  }
}

export function requireShallow(value: unknown): void {
  if (isTooDeep(value, LIMITS.jsonDepth))
    throw new AppError('INVALID_INPUT', `JSON may be nested at most ${LIMITS.jsonDepth} levels deep.`)
}

function isTooDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const item of Object.values(value)) if (isTooDeep(item, levels - 1)) return true
  return false
}
