import { expect, test } from 'vitest'
import { parsePhone } from './phone.ts'

test.each([
  ['+919812345678', '+91'],
  ['+15551234567', '+1'],
  ['+447700900123', '+44'],
  ['+4915112345678', '+49'],
])('%s belongs to %s', (phoneNumber, countryCode) => {
  expect(parsePhone(phoneNumber)).toEqual({ phoneNumber, countryCode })
})

test.each([
  '',
  '+',
  '12',
  '9812345678',
  '+91',
  '+9998765432',
  '+91 98123 45678',
  '+91981234567890123',
  'tel:+919812345678',
])('"%s" is no E.164 number', (text) => {
  expect(parsePhone(text)).toBeNull()
})
