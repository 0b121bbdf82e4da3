// How a challenge stands, derived from what the broker says of it. Pure.
import type { ChallengeInfo, ChallengeStatus, Leaderboard, Rank } from '@fitmq/client'
import { isId } from '../ticket'

/** What is counted down to, in seconds: the start, or the end of the period that runs, or of all; undefined when nothing is. */
export function countdown(status: Pick<ChallengeStatus, 'state' | 'startsAt' | 'endsAt' | 'current'>, now: number): number | undefined {
  if (status.state === 'ended') return undefined
  const until = Date.parse(status.state === 'scheduled' ? status.startsAt : (status.current?.endsAt ?? status.endsAt))
  return Number.isNaN(until) ? undefined : Math.max(0, Math.round((until - now) / 1000))
}

/** Out of how many one's place is: one's own card is not sent again for those who have come since, the board is. */
export function placesOf(rank: Pick<Rank, 'revision' | 'total'>, board: Pick<Leaderboard, 'revision' | 'total'> | undefined): number {
  return board !== undefined && board.revision > rank.revision ? board.total : rank.total
}

/** How much of the goal is done, 0 and up; mine where the goal is each one's own; undefined without a goal. */
export function goalShare(info: ChallengeInfo | undefined, status: ChallengeStatus, mine: number | undefined): number | undefined {
  const goal = status.goal ?? info?.goal
  if (goal === undefined || goal <= 0) return undefined
  if ((status.goalOf ?? info?.goalOf) === 'each') return (mine ?? 0) / goal
  return status.goalProgress ?? status.sum / goal
}

/** An award that is given at a score, and how far one is from it. */
export interface AwardStep {
  readonly threshold: number
  readonly title: string
  readonly reached: boolean
  readonly left: number
}

/** The awards for scores, by their thresholds. Those of the best activity and of streaks are not told from a score. */
export function awardSteps(info: Pick<ChallengeInfo, 'awards' | 'aggregate' | 'order' | 'period'> | undefined, mine: number | undefined): AwardStep[] {
  if (info === undefined || info.aggregate === 'last' || info.order === 'asc') return []
  return (info.awards ?? [])
    .filter((a) => a.kind !== 'streak')
    .map((a) => ({ threshold: a.threshold, title: a.title ?? '', reached: (mine ?? 0) >= a.threshold, left: Math.max(0, a.threshold - (mine ?? 0)) }))
    .sort((a, b) => a.threshold - b.threshold)
}

/** Teams as somebody writes them, a line each like "Red: ana, ben"; undefined for what cannot be read so. */
export function teamsOf(text: string): { id: string; name: string; members: string[] }[] | undefined {
  const lines = text.split('\n').map((l) => l.trim()).filter((l) => l !== '')
  const teams = lines.map((line, i) => {
    const [name = '', rest = ''] = line.split(':', 2)
    return { id: `team-${i + 1}`, name: name.trim(), members: rest.split(/[\s,]+/).filter((m) => m !== '') }
  })
  const members = teams.flatMap((x) => x.members)
  const good = teams.every((x) => x.name !== '' && x.members.length > 0 && x.members.every(isId)) && new Set(members).size === members.length
  return good ? teams : undefined
}
