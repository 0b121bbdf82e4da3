import { describe, expect, test } from 'vitest'
import { placeOf } from './place'

describe('placeOf', () => {
  test.each([
    [{ kind: 'milestone', data: { sessionId: 'track' } }, '#/live/track'],
    [{ kind: 'training', data: { sessionId: 'legs' } }, '#/training/legs'],
    [{ kind: 'challenge', data: { challengeId: 'june' } }, '#/challenges/june'],
    [{ kind: 'match' }, '#/partners'],
    [{ kind: 'general', data: 'words' }, undefined],
    [{ kind: 'session', data: { sessionId: '../x' } }, undefined],
  ])('%j', (n, want) => {
    expect(placeOf(n)).toBe(want)
  })
})
