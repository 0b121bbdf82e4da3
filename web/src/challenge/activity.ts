// An activity as a form gives it. Pure.
import type { ActivityInput } from '@fitmq/client'

/** The sports that the form offers, in the FIT profile's words. */
export const sports = ['running', 'cycling', 'walking', 'hiking', 'swimming', 'rowing', 'training'] as const

/** What the form's fields say, as text; empty is not measured. */
export interface ActivityFields {
  sport: string
  minutes: string
  distance: string
  calories: string
  steps: string
  ascent: string
  repetitions: string
}

/** The activity that ended now; what was left empty is absent. */
export function activityOf(f: ActivityFields, now: number): ActivityInput {
  const seconds = Math.round(Number(f.minutes) * 60)
  const given = (text: string, scale = 1): number | undefined => (text.trim() === '' ? undefined : Number(text) * scale)
  const measures = {
    totalDistance: given(f.distance, 1000),
    totalCalories: given(f.calories),
    steps: given(f.steps),
    totalAscent: given(f.ascent),
    repetitions: given(f.repetitions),
  }
  return {
    sport: f.sport,
    startTime: new Date(now - seconds * 1000).toISOString(),
    totalElapsedTime: seconds,
    manual: true,
    ...Object.fromEntries(Object.entries(measures).filter(([, v]) => v !== undefined)),
  }
}
