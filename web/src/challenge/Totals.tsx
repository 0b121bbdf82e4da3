import type { ChallengeInfo, ChallengeStatus } from '@fitmq/client'
import type { CSSProperties } from 'react'
import { count, formatScore, formatTimeLeft } from '../format'
import { strings } from '../strings'
import { countdown, goalShare } from './standing'

const t = strings.challenge

interface Props {
  info: ChallengeInfo | undefined
  status: ChallengeStatus | undefined
  now: number
  /** One's own score, for a goal that is each one's own. */
  mine?: number | undefined
  /** Who does not take part has no share of a goal that is each one's own. */
  takesPart: boolean
  compact?: boolean
}

/** Time left, what all did together, and how much of the goal that is. */
export function Totals({ info, status, now, mine, takesPart, compact = false }: Props) {
  if (status === undefined) return null
  const unit = info?.unit ?? ''
  const seconds = countdown(status, now)
  const share = takesPart || info?.goalOf !== 'each' ? goalShare(info, status, mine) : undefined
  return (
    <div className={`standing ${compact ? 'standing-compact' : ''}`}>
      {share !== undefined && <GoalRing share={share} each={info?.goalOf === 'each'} goal={formatScore(status.goal ?? info?.goal ?? 0, unit)} />}
      <dl className="totals">
        {seconds !== undefined && (
          <div data-testid="challenge-time-left" data-seconds={seconds}>
            <dt>{status.state === 'scheduled' ? t.startsIn : info?.period === undefined ? t.left : t.leftOf[info.period]}</dt>
            <dd>{formatTimeLeft(seconds)}</dd>
          </div>
        )}
        <div data-testid="challenge-participants" data-count={status.participants}>
          <dt>{t.participants}</dt>
          <dd>{count(status.participants, '').value}</dd>
        </div>
        <div data-testid="challenge-activities" data-count={status.activities}>
          <dt>{t.activities}</dt>
          <dd>{count(status.activities, '').value}</dd>
        </div>
        <div data-testid="challenge-sum" data-sum={status.sum}>
          <dt>{t.total}</dt>
          <dd>{unit === '' ? count(status.sum, '').value : formatScore(status.sum, unit)}</dd>
        </div>
      </dl>
    </div>
  )
}

/** The goal as a ring that fills. */
function GoalRing({ share, each, goal }: { share: number; each: boolean; goal: string }) {
  const percent = `${Math.floor(share * 100)} %`
  const label = each ? t.myGoal(percent, goal) : t.goal(percent, goal)
  return (
    <div className="goal" data-testid="challenge-goal" data-progress={share}>
      <svg className="ring" viewBox="0 0 100 100" role="img" aria-label={label} style={{ '--share': Math.min(1, share) } as CSSProperties}>
        <circle className="ring-ground" cx="50" cy="50" r="42" pathLength="1" />
        <circle className="ring-done" cx="50" cy="50" r="42" pathLength="1" />
        <text x="50" y="50" className="ring-text">{percent}</text>
      </svg>
      <span className="fine">{each ? t.goalOfEach(goal) : t.goalOfAll(goal)}</span>
    </div>
  )
}
