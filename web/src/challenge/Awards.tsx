import type { Achievement, ChallengeInfo } from '@fitmq/client'
import { formatAgo, formatScore } from '../format'
import { awardWords } from '../live/Feed'
import { strings } from '../strings'
import { awardSteps } from './standing'

const t = strings.challenges
const shown = 20

/** What there is to win, and the awards as they are given, newest first. */
export function Awards({ list, info, mine, now, takesPart }: { list: readonly Achievement[]; info: ChallengeInfo | undefined; mine: number | undefined; now: number; takesPart: boolean }) {
  const steps = awardSteps(info, mine)
  return (
    <section className="panel feed" aria-labelledby="awards-title">
      <h2 id="awards-title" className="panel-title">{t.awards}</h2>
      {steps.length > 0 && (
        <ul className="award-steps" aria-label={t.toWin}>
          {steps.map((s) => (
            <li key={s.threshold} data-testid="award-step" data-reached={s.reached}>
              <span className="award-mark" aria-hidden="true">{s.reached ? '✓' : ''}</span>
              <span>{s.title || formatScore(s.threshold, info?.unit ?? '')}</span>
              <span className="muted">{!takesPart ? formatScore(s.threshold, info?.unit ?? '') : s.reached ? t.won : t.toGo(formatScore(s.left, info?.unit ?? ''))}</span>
            </li>
          ))}
        </ul>
      )}
      {list.length === 0 && <p className="empty">{t.noAwards}</p>}
      <ol aria-live="polite">
        {[...list].reverse().slice(0, shown).map((a) => (
          <li key={a.achievementId} data-testid="award" data-kind="award" data-award={a.kind} data-user={a.userId}>
            <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M10 3l2.2 4.6 5 .6-3.7 3.5 1 5L10 14.2 5.5 16.7l1-5L2.8 8.2l5-.6z" /></svg>
            <span className="feed-text">{strings.feed.award(a.name, awardWords(a))}</span>
            <time dateTime={a.timestamp}>{formatAgo(now - Date.parse(a.timestamp))}</time>
          </li>
        ))}
      </ol>
    </section>
  )
}
