import { expect, test } from 'vitest'
import { CodeHasher, newCode } from './codes.ts'

const binding = { id: 'row', phoneNumber: '+919812345678', purpose: 'sign-in' }

test('a code has six digits, leading zeros included', () => {
  const codes = Array.from({ length: 2000 }, newCode)
  expect(codes.every((code) => /^\d{6}$/.test(code))).toBe(true)
  expect(codes.some((code) => code.startsWith('0'))).toBe(true)
})

test('a code matches its own row, number and purpose and nothing else', () => {
  const hasher = new CodeHasher('s'.repeat(32))
  const stored = hasher.hash('402917', binding)
  expect(hasher.matches('402917', binding, stored)).toBe(true)
  expect(hasher.matches('402918', binding, stored)).toBe(false)
  expect(hasher.matches('402917', { ...binding, id: 'other' }, stored)).toBe(false)
  expect(hasher.matches('402917', { ...binding, phoneNumber: '+919812345679' }, stored)).toBe(false)
  expect(hasher.matches('402917', { ...binding, purpose: 'reset' }, stored)).toBe(false)
})

test('whoever has the database and not the secret cannot check a guess', () => {
  const stored = new CodeHasher('s'.repeat(32)).hash('402917', binding)
  expect(new CodeHasher('t'.repeat(32)).matches('402917', binding, stored)).toBe(false)
})
