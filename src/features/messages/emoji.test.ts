import { expect, test } from 'vitest'
import { isEmoji, isSameEmoji } from './emoji.ts'

test.each(['👍', '❤️', '❤', '👍🏽', '🇮🇳', '4️⃣', '#⃣', '👩‍👩‍👧‍👦', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '🕵🏽‍♂️', '🏳️‍🌈'])('%s is one emoji', (text) => {
  expect(isEmoji(text)).toBe(true)
  expect([...new Intl.Segmenter().segment(text)]).toHaveLength(1)
})

test.each(['', 'a', '1', '👍👍', '👍 ', '🇮', '🇮🇳🇮🇳', '👍\u0301', '🏽', '\u200D', '👩‍', '❤️️', '<b>', '👍\n'])(
  '%j is not',
  (text) => {
    expect(isEmoji(text)).toBe(false)
  },
)

test('a sign is the same with and without its variation selector', () => {
  expect(isSameEmoji('❤️', '❤')).toBe(true)
  expect(isSameEmoji('❤️', '👍')).toBe(false)
})
