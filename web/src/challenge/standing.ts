// How a challenge stands, derived from what the broker says of it. Pure.
import type { ChallengeInfo, ChallengeStatus } from '@fitmq/client'

/** What is counted down to, in seconds; undefined when nothing is. */
export function countdown(status: Pick<ChallengeStatus, 'state' | 'startsAt' | 'endsAt'>, now: number): number | undefined {
  if (status.state === 'ended') return undefined
  const until = Date.parse(status.state === 'scheduled' ? status.startsAt : status.endsAt)
  return Number.isNaN(until) ? undefined : Math.max(0, Math.round((until - now) / 1000))
}

/** How much of the goal is done, 0 and up; mine where the goal is each one's own; undefined without a goal. */
export function goalShare(info: ChallengeInfo | undefined, status: ChallengeStatus, mine: number | undefined): number | undefined {
  const goal = status.goal ?? info?.goal
  if (goal === undefined || goal <= 0) return undefined
  if ((status.goalOf ?? info?.goalOf) === 'each') return (mine ?? 0) / goal
  return status.goalProgress ?? status.sum / goal
}
