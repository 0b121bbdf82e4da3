import { describe, expect, test } from 'vitest'
import { groups, quick, quickWord } from './quick'

const place = (cue: string): number => quick.findIndex((q) => q.cue === cue)

describe('quickWord', () => {
  test('OK: a usual one about a joint keeps its exercise', () => {
    expect(quickWord(place('Back straight'), '', 'row')).toEqual({ cue: 'Back straight', exercise: 'deadlift', joint: 'spine', severity: 'warning' })
  })
  test('OK: one about no joint is about what the client is at', () => {
    expect(quickWord(place('Stop and rest'), '', 'row')).toMatchObject({ exercise: 'row', severity: 'stop' })
    expect(quickWord(place('Stop and rest'), '', undefined)).toMatchObject({ exercise: 'squat', severity: 'stop' })
  })
  test('OK: one’s own words mark no joint and warn of nothing, whichever is chosen beside them', () => {
    expect(quickWord(0, ' Breathe ', 'plank')).toEqual({ exercise: 'plank', severity: 'info', cue: 'Breathe' })
    expect(quickWord(0, 'Breathe', undefined)).toEqual({ exercise: 'squat', severity: 'info', cue: 'Breathe' })
  })
  test('OK: to stop stays to stop in one’s own words', () => {
    expect(quickWord(place('Stop and rest'), 'Sit down', 'row')).toEqual({ exercise: 'row', severity: 'stop', cue: 'Sit down' })
  })
  test('OK: every usual word is in one group, by its exercise or for any', () => {
    expect(groups.flatMap((g) => g.words.map((w) => w.place)).sort((a, b) => a - b)).toEqual(quick.map((_, i) => i))
    expect(groups.at(-1)?.exercise).toBeUndefined()
    expect(groups[0]).toMatchObject({ exercise: 'squat', words: [{ cue: 'Deeper' }, { cue: 'Knees out over the toes' }] })
  })
})
