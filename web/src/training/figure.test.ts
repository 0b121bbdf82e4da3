import { describe, expect, test } from 'vitest'
import { joints, limbs, pose, scaleOf } from './figure'

describe('pose', () => {
  test.each(['squat', 'deadlift', 'push_up', 'shoulder_press', 'curl', 'an exercise of tomorrow'])('%s has every joint inside the box', (exercise) => {
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
