import type { ChallengeStatus } from '@fitmq/client'
import { describe, expect, test } from 'vitest'
import { awardSteps, countdown, goalShare, placesOf, teamsOf } from './standing'

const now = Date.parse('2026-06-04T10:00:00Z')
const status: ChallengeStatus = {
  challengeId: 'c', state: 'active', startsAt: '2026-06-01T00:00:00Z', endsAt: '2026-06-04T10:01:30Z',
  participants: 2, activities: 3, sum: 2500, goal: 10_000, updatedAt: '2026-06-04T10:00:00Z', revision: 1,
}

describe('countdown', () => {
  test('to the end of the period that runs', () => {
    const current = { period: '2026-06-04', startsAt: '2026-06-04T00:00:00Z', endsAt: '2026-06-04T10:00:10Z', activities: 0, sum: 0 }
    expect(countdown({ ...status, current }, now)).toBe(10)
  })
  test('to the end while it runs, to the start before, to nothing after', () => {
    expect(countdown(status, now)).toBe(90)
    expect(countdown({ ...status, state: 'scheduled', startsAt: '2026-06-04T11:00:00Z' }, now)).toBe(3600)
    expect(countdown({ ...status, state: 'ended' }, now)).toBeUndefined()
  })
  test('stops at zero when the broker has not yet said that it is over', () => {
    expect(countdown(status, now + 200_000)).toBe(0)
  })
})

test('placesOf counts those who have come since one\'s own card', () => {
  expect(placesOf({ revision: 4, total: 5 }, undefined)).toBe(5)
  expect(placesOf({ revision: 4, total: 5 }, { revision: 7, total: 6 })).toBe(6)
  expect(placesOf({ revision: 9, total: 7 }, { revision: 7, total: 6 })).toBe(7)
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

describe('awards to win', () => {
  const info = { aggregate: 'sum', order: 'desc', awards: [{ threshold: 10_000, title: 'Ten' }, { threshold: 5000 }, { kind: 'streak', threshold: 3 }] } as const
  test('by threshold, with what is left', () => {
    expect(awardSteps(info, 7000)).toEqual([
      { threshold: 5000, title: '', reached: true, left: 0 }, { threshold: 10_000, title: 'Ten', reached: false, left: 3000 },
    ])
  })
  test('none where a score does not tell', () => {
    expect([awardSteps({ ...info, aggregate: 'last' }, 1), awardSteps({ ...info, order: 'asc' }, 1), awardSteps(undefined, 1)]).toEqual([[], [], []])
  })
})

describe('teams', () => {
  test('a line each', () => {
    expect(teamsOf('Red: ana, ben\n\n Blue hills : cleo\n')).toEqual([
      { id: 'team-1', name: 'Red', members: ['ana', 'ben'] }, { id: 'team-2', name: 'Blue hills', members: ['cleo'] },
    ])
    expect(teamsOf('  ')).toEqual([])
  })
  test.each(['ana, ben', 'Red:', ': ana', 'Red: ana\nBlue: ana', 'Red: a/b'])('%j is none', (text) => {
    expect(teamsOf(text)).toBeUndefined()
  })
})
