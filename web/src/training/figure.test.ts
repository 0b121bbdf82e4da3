import { describe, expect, test } from 'vitest'
import { joints, limbs, markedJoints, pose, scaleOf } from './figure'

describe('pose', () => {
  test.each(['squat', 'deadlift', 'push_up', 'shoulder_press', 'curl', 'lunge', 'pull_up', 'bench_press', 'an exercise of tomorrow'])('%s has every joint inside the box', (exercise) => {
    const p = pose(exercise)
    for (const name of [...joints, ...limbs.flat()]) {
      const [x, y] = p[name]
      expect(x).toBeGreaterThan(0)
      expect(Math.max(x, y)).toBeLessThan(200)
    }
  })
})

describe('scaleOf', () => {
  test('too far out lies beside the target', () => {
    const s = scaleOf({ observed: 112, targetMin: 70, targetMax: 100 })
    expect(s?.good).toBe(false)
    expect(s?.observed).toBeGreaterThan(s?.to ?? 1)
    expect(s?.from).toBeGreaterThan(0)
  })
  test('an open target reaches to the edge', () => {
    expect(scaleOf({ observed: 90, targetMax: 100 })).toMatchObject({ from: 0, good: true })
    expect(scaleOf({ observed: 90, targetMin: 100 })).toMatchObject({ to: 1, good: false })
  })
  test('nothing to show without a value or a target', () => {
    expect(scaleOf({ observed: 90 })).toBeUndefined()
    expect(scaleOf({ targetMax: 90 })).toBeUndefined()
  })
  test('stays on the scale when all are the same', () => {
    const s = scaleOf({ observed: 0, targetMin: 0, targetMax: 0 })
    expect(s?.observed).toBe(0.5)
  })
})

describe('the figure marks', () => {
  const c = (exercise: string, joint: 'knee' | 'hip' | 'spine' | undefined, seen: boolean) =>
    ({ exercise, severity: 'info' as const, seen, ...(joint === undefined ? {} : { joint }) })
  test('the newest joint, and those of the same exercise that were not seen to', () => {
    expect(markedJoints([c('squat', 'hip', true), c('squat', 'spine', false), c('plank', 'hip', false), c('squat', 'spine', false), c('squat', 'knee', false)]))
      .toEqual({ newest: 'knee', also: ['spine'] })
  })
  test('a joint once, and none where there is none', () => {
    expect(markedJoints([c('squat', 'knee', false), c('squat', 'knee', false)])).toEqual({ newest: 'knee', also: [] })
    expect(markedJoints([])).toEqual({ newest: undefined, also: [] })
    expect(markedJoints([c('squat', undefined, false)])).toEqual({ newest: undefined, also: [] })
  })
})
