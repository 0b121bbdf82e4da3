import { describe, expect, test } from 'vitest'
import { distinct, otherOf, titleOf } from './title'

const nameOf = (id: string): string => id.toUpperCase()

describe('conversations', () => {
  test.each([
    ['ana.tess', 'ana', 'tess'], ['ana.tess', 'tess', 'ana'], ['ana.ana', 'ana', 'ana'], ['team', 'ana', undefined],
  ])('%s is for %s with %s', (conversation, me, other) => {
    expect(otherOf(conversation, me)).toBe(other)
  })
  test('of two is called by the other, a group by its title or id', () => {
    expect(titleOf({ conversationId: 'ana.tess' }, 'ana', nameOf)).toBe('TESS')
    expect(titleOf({ conversationId: 'g1', title: 'Long runs' }, 'ana', nameOf)).toBe('Long runs')
    expect(titleOf({ conversationId: 'g1' }, 'ana', nameOf)).toBe('g1')
  })
  test('a message that was sent again is there once, as it is now', () => {
    expect(distinct([{ messageId: 'a', s: 1 }, { messageId: 'b', s: 1 }, { messageId: 'a', s: 2 }])).toEqual([
      { messageId: 'a', s: 2 }, { messageId: 'b', s: 1 },
    ])
  })
})
