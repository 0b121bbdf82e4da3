import { describe, expect, test } from 'vitest'
import { fateOf, measuresOf, newestFirst, type HandedIn } from './handedIn'

const made = (more: Partial<HandedIn> = {}, startTime = '2026-06-04T10:00:00Z'): HandedIn => ({
  userId: 'ana', name: 'Ana', activityId: 'a', arrivedAt: '', counted: true, activity: { activityId: 'a', sport: 'running', startTime, totalElapsedTime: 3700 }, ...more,
})

describe('what was handed in', () => {
  test.each([
    ['counts', {}], ['flagged', { flags: ['fast'] }], ['settled', { flags: ['fast'], review: { counted: true, by: 'tess' } }],
    ['barred', { flags: ['fast'], counted: false, review: { counted: false, by: 'tess' } }], ['ruled-out', { counted: false, reason: 'too late' }],
    ['withdrawn', { withdrawn: true, counted: false, review: { counted: false, by: 'tess' } }],
  ] as const)('%s', (want, more) => {
    expect(fateOf(made(more))).toBe(want)
  })
  test('in words, without what was not measured', () => {
    expect(measuresOf(made())).toEqual(['1:01:40'])
    expect(measuresOf({ activity: { ...made().activity, totalTimerTime: 3600, totalDistance: 7242.48, repetitions: 12, totalAscent: 80 } }))
      .toEqual(['7.24 km', '1:00:00', '↑ 80 m', '12 ×'])
  })
  test('the newest first', () => {
    expect(newestFirst([made({}, '2026-06-01T10:00:00Z'), made({}, '2026-06-03T10:00:00Z')]).map((a) => a.activity.startTime)).toEqual(['2026-06-03T10:00:00Z', '2026-06-01T10:00:00Z'])
  })
})
