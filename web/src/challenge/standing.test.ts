import type { ChallengeStatus } from '@fitmq/client'
import { describe, expect, test } from 'vitest'
import { countdown, goalShare } from './standing'

const now = Date.parse('2026-06-04T10:00:00Z')
const status: ChallengeStatus = {
  challengeId: 'c', state: 'active', startsAt: '2026-06-01T00:00:00Z', endsAt: '2026-06-04T10:01:30Z',
  participants: 2, activities: 3, sum: 2500, goal: 10_000, updatedAt: '2026-06-04T10:00:00Z', revision: 1,
}

describe('countdown', () => {
  test('to the end while it runs, to the start before, to nothing after', () => {
    expect(countdown(status, now)).toBe(90)
    expect(countdown({ ...status, state: 'scheduled', startsAt: '2026-06-04T11:00:00Z' }, now)).toBe(3600)
    expect(countdown({ ...status, state: 'ended' }, now)).toBeUndefined()
  })
  test('stops at zero when the broker has not yet said that it is over', () => {
    expect(countdown(status, now + 200_000)).toBe(0)
  })
})

describe('goalShare', () => {
  test('of all together, as the broker says or as the sum is', () => {
    expect(goalShare(undefined, { ...status, goalProgress: 0.3 }, undefined)).toBe(0.3)
    expect(goalShare(undefined, status, undefined)).toBe(0.25)
  })
  test('mine where the goal is each one’s own', () => {
    expect(goalShare(undefined, { ...status, goalOf: 'each' }, 12_000)).toBe(1.2)
    expect(goalShare(undefined, { ...status, goalOf: 'each' }, undefined)).toBe(0)
  })
  test('none without a goal', () => {
    expect(goalShare(undefined, { ...status, goal: 0 }, 5)).toBeUndefined()
  })
})
