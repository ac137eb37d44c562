import { expect, test } from 'vitest'
import { hashPassword, newPassword, passwordMatches } from './passwords.ts'

test.each(['password', 'PASSWORD1', 'qwerty123', '12345678', 'Password123', 'iloveyou'])(
  'the common password %s is refused',
  (password) => {
    expect(newPassword.safeParse(password).success).toBe(false)
  },
)

test('length counts code points, from 8 to 128', () => {
  expect(newPassword.safeParse('🦀🦐🦑🐙🐡🐠🐟').success).toBe(false)
  expect(newPassword.safeParse('🦀🦐🦑🐙🐡🐠🐟🐬').success).toBe(true)
  expect(newPassword.safeParse('🦀'.repeat(128)).success).toBe(true)
  expect(newPassword.safeParse('🦀'.repeat(129)).success).toBe(false)
})

test('a password is kept as argon2id at 19 MiB and two passes, and only it matches', async () => {
  const stored = await hashPassword('seven green lanterns')
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await passwordMatches('seven green lanterns', stored)).toBe(true)
  expect(await passwordMatches('seven green lantern', stored)).toBe(false)
})

test('composed and decomposed letters are the same password', async () => {
  const stored = await hashPassword('caf\u00e9 au lait')
  expect(await passwordMatches('cafe\u0301 au lait', stored)).toBe(true)
})

test('without an account nothing matches, not even the decoy', async () => {
  expect(await passwordMatches('seven green lanterns', null)).toBe(false)
})
