/** From a zod failure to the error of API.md §1, naming each field. */
import type { z } from 'zod'
import { AppError, type ErrorDetail } from '../lib/errors.ts'

/** Returns the parsed value or throws a 400 that lists what is wrong, at most 20 lines. */
export function validate<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw validationError(parsed.error.issues, value)
}

function validationError(issues: readonly z.core.$ZodIssue[], value: unknown): AppError {
  const details: ErrorDetail[] = []
  let missing = true
  for (const issue of issues.slice(0, 20)) {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys') {
      missing = false
      for (const key of issue.keys.slice(0, 20))
        details.push({ path: [...path, key].join('.'), message: 'is not a known field' })
      continue
    }
    const absent = path.length > 0 && at(value, issue.path) === undefined
    if (!absent) missing = false
    details.push({ path: path.join('.'), message: absent ? 'is required' : issue.message })
  }
  const first = details[0]
  const sentence = first
    ? `${first.path === '' ? 'The body' : first.path}: ${first.message}`
    : 'The request is not valid.'
  return new AppError(missing ? 'MISSING_REQUIRED_FIELD' : 'VALIDATION_ERROR', sentence, { details })
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<PropertyKey, unknown>)[key]
  }
  return found
}
