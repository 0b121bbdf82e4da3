import type { Achievement } from '@fitmq/client'
import { formatAgo } from '../format'
import { awardWords } from '../live/Feed'
import { strings } from '../strings'

const t = strings.challenges
const shown = 20

/** The awards as they are given, newest first. */
export function Awards({ list, now }: { list: readonly Achievement[]; now: number }) {
  return (
    <section className="panel feed" aria-labelledby="awards-title">
      <h2 id="awards-title" className="panel-title">{t.awards}</h2>
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
