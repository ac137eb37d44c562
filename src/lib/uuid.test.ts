import { expect, test } from 'vitest'
import { uuidv7 } from './uuid.ts'

test('an id is a version 7 UUID and sorts by its millisecond', () => {
  const ids = [1, 2, 1_700_000_000_000, 1_700_000_000_001].map((ms) => uuidv7(new Date(ms)))
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect([...ids].sort()).toEqual(ids)
  expect(uuidv7(new Date(1_700_000_000_000)).startsWith('018bcfe5-6800-7')).toBe(true)
})

test('two ids of one millisecond differ', () => {
  expect(uuidv7(new Date(0))).not.toBe(uuidv7(new Date(0)))
})
