import { expect, test } from 'vitest'
import { RefreshTokens } from './refresh-tokens.ts'

const tokens = new RefreshTokens('s'.repeat(32))

test('the next token belongs to the same family and is another one', () => {
  const first = tokens.create()
  const second = tokens.next(first.token)
  expect(second.familyHash).toBe(first.familyHash)
  expect(second.hash).not.toBe(first.hash)
  expect(tokens.create().familyHash).not.toBe(first.familyHash)
})

test('a token that was given out opens to what the store knows it by', () => {
  const { token, familyHash, hash } = tokens.next(tokens.create().token)
  expect(tokens.open(token)).toEqual({ token, familyHash, hash })
})

test('a token with any one character changed opens to nothing, so it ends no session', () => {
  const { token } = tokens.create()
  for (let at = 0; at < token.length; at += 1) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
    expect(tokens.open(changed)).toBeNull()
  }
})

test('what was never given out opens to nothing', () => {
  const { token } = tokens.create()
  for (const text of ['', 'x'.repeat(43), token.slice(0, -1), `${token}A`, `${token}=`])
    expect(tokens.open(text)).toBeNull()
  expect(new RefreshTokens('t'.repeat(32)).open(token)).toBeNull()
})
