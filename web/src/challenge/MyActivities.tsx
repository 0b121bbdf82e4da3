import { useFitmq } from '@fitmq/react'
import { useEffect, type ReactNode } from 'react'
import { formatClock, formatDay } from '../format'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { Confirm } from '../ui/Confirm'
import { fateOf, measuresOf, newestFirst, type HandedIn } from './handedIn'

const t = strings.challenges
const shown = 20

/** What one has handed in, and what became of it; each can be withdrawn for good. round changes when something counts anew. */
export function MyActivities({ id, me, round }: { id: string; me: string; round: number | undefined }) {
  const client = useFitmq()
  const tell = useTell()
  const { value, error, reload } = useAsked<List<HandedIn>>(`/challenges/${id}/activities/${me}?limit=1000`)
  useEffect(reload, [round, reload])
  const all = newestFirst(value?.items ?? [])
  const withdraw = (activityId: string): void => {
    client.request('DELETE', `/challenges/${id}/activities/${me}/${encodeURIComponent(activityId)}`).then(reload, (e: unknown) => tell(wordsOf(e)))
  }
  return (
    <section className="panel list-panel" aria-labelledby="mine-title" data-testid="my-activities">
      <h2 id="mine-title">{t.mine} <span className="tally">{all.filter((a) => a.withdrawn !== true).length}</span></h2>
      {all.length === 0 && <p className="empty">{error ?? t.mineNone}</p>}
      <ul className="rows">
        {all.slice(0, shown).map((a) => (
          <ActivityRow key={a.activityId} activity={a}>
            {a.withdrawn !== true && (
              <Confirm label={t.withdraw} name={t.withdrawWhat(measuresOf(a).join(', '))} question={t.withdrawAsk} onYes={() => withdraw(a.activityId)} />
            )}
          </ActivityRow>
        ))}
      </ul>
    </section>
  )
}

/** An activity: what it was, when, and what became of it. */
export function ActivityRow({ activity: a, who, children }: { activity: HandedIn; who?: string; children: ReactNode }) {
  const fate = fateOf(a)
  return (
    <li className="row activity" data-testid="handed-in" data-user={a.userId} data-activity={a.activityId} data-fate={fate}>
      <span className="row-main">
        <strong>{who === undefined ? '' : `${who} · `}{[strings.sports[a.activity.sport] ?? a.activity.sport, ...measuresOf(a)].join(' · ')}</strong>
        <span className="muted">{formatDay(a.activity.startTime)} {formatClock(a.activity.startTime)} · {t.fates[fate]}{a.reason !== undefined && fate === 'ruled-out' && `: ${a.reason}`}</span>
        {(a.flags ?? []).map((f) => <span key={f} className="flag">{t.flag(f)}</span>)}
      </span>
      <span className="actions">{children}</span>
    </li>
  )
}
