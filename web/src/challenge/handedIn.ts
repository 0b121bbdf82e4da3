// What was handed in to a challenge, and what became of it. Pure.
import type { Activity } from '@fitmq/client'
import { count, distance, formatDuration, join } from '../format'

/** An entry of GET /challenges/{id}/activities. */
export interface HandedIn {
  readonly userId: string
  readonly name: string
  readonly activityId: string
  readonly arrivedAt: string
  readonly counted: boolean
  /** Why the rule does not count it. */
  readonly reason?: string
  readonly withdrawn?: boolean
  /** What looks odd. */
  readonly flags?: readonly string[]
  readonly review?: { readonly counted: boolean; readonly by: string }
  readonly activity: Activity
}

/** What became of an activity. */
export type Fate = 'counts' | 'flagged' | 'settled' | 'barred' | 'ruled-out' | 'withdrawn'

export function fateOf(a: HandedIn): Fate {
  if (a.withdrawn === true) return 'withdrawn'
  if (a.review?.counted === false) return 'barred'
  if (!a.counted) return 'ruled-out'
  if ((a.flags ?? []).length === 0) return 'counts'
  return a.review === undefined ? 'flagged' : 'settled'
}

/** What was measured, in words. */
export function measuresOf({ activity: a }: Pick<HandedIn, 'activity'>): string[] {
  return [
    a.totalDistance === undefined ? '' : join(distance(a.totalDistance)),
    formatDuration(a.totalTimerTime ?? a.totalElapsedTime),
    a.totalCalories === undefined ? '' : join(count(a.totalCalories, 'kcal')),
    a.steps === undefined ? '' : join(count(a.steps, 'steps')),
    a.totalAscent === undefined ? '' : `↑ ${join(count(a.totalAscent, 'm'))}`,
    a.repetitions === undefined ? '' : `${a.repetitions} ×`,
  ].filter((x) => x !== '')
}

/** By when they began, the newest first. */
export function newestFirst<A extends Pick<HandedIn, 'activity'>>(all: readonly A[]): A[] {
  return [...all].sort((a, b) => Date.parse(b.activity.startTime) - Date.parse(a.activity.startTime))
}
