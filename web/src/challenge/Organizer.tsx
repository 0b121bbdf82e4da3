import { useFitmq } from '@fitmq/react'
import { useEffect, useState } from 'react'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { Confirm } from '../ui/Confirm'
import { learnNames, useNames } from '../ui/names'
import { PersonForm } from '../ui/PersonForm'
import { fateOf, newestFirst, type HandedIn } from './handedIn'
import { ActivityRow } from './MyActivities'

const t = strings.challenges
const shown = 50

interface Entrant {
  readonly userId: string
  readonly name: string
}

/** What the organizer does: settles what looks odd, puts people in and takes them out. round changes when something counts anew. */
export function Organizer({ id, round }: { id: string; round: number | undefined }) {
  const client = useFitmq()
  const tell = useTell()
  const nameOf = useNames()
  const [flagged, setFlagged] = useState(true)
  const activities = useAsked<List<HandedIn>>(`/challenges/${id}/activities?limit=500${flagged ? '&flagged=true' : ''}`)
  const people = useAsked<List<Entrant>>(`/challenges/${id}/participants?limit=1000`)
  useEffect(activities.reload, [round, activities.reload])
  useEffect(() => learnNames(people.value?.items ?? []), [people.value])
  const all = newestFirst(activities.value?.items ?? [])
  const open = all.filter((a) => fateOf(a) === 'flagged').length
  const failed = (error: unknown): void => tell(wordsOf(error))
  const review = (a: HandedIn, counted: boolean): void => {
    client.request('PUT', `/challenges/${id}/activities/${a.userId}/${encodeURIComponent(a.activityId)}/review`, { counted }).then(activities.reload, failed)
  }
  const change = (method: 'PUT' | 'DELETE', userId: string): void => {
    client.request(method, `/challenges/${id}/participants/${userId}`, method === 'PUT' ? {} : undefined).then(() => {
      if (method === 'PUT') tell(strings.session.invited(nameOf(userId)), 'news')
      people.reload()
    }, failed)
  }
  return (
    <section className="panel list-panel" aria-labelledby="review-title" data-testid="organizer">
      <h2 id="review-title">{t.review} <span className="tally">{open}</span></h2>
      <p className="fine review-filter">
        <label className="check"><input type="checkbox" checked={flagged} onChange={(e) => setFlagged(e.currentTarget.checked)} /> {t.flaggedOnly}</label>
      </p>
      {all.length === 0 && <p className="empty">{flagged ? t.flaggedNone : t.mineNone}</p>}
      <ul className="rows">
        {all.slice(0, shown).map((a) => (
          <ActivityRow key={`${a.userId} ${a.activityId}`} activity={a} who={a.name}>
            {a.withdrawn !== true && (
              <>
                {(a.review === undefined || !a.review.counted) && <button type="button" className="quiet-button" onClick={() => review(a, true)}>{t.count}</button>}
                {a.review?.counted !== false && <button type="button" className="quiet-button" onClick={() => review(a, false)}>{t.bar}</button>}
              </>
            )}
          </ActivityRow>
        ))}
      </ul>
      <details className="entrants">
        <summary>{t.entrants} <span className="tally">{people.value?.items.length ?? 0}</span></summary>
        <ul className="rows">
          {(people.value?.items ?? []).map((p) => (
            <li key={p.userId} className="row" data-testid="entrant" data-user={p.userId}>
              <span className="row-main"><strong>{p.name}</strong></span>
              <Confirm label={strings.session.remove} name={strings.session.removeWho(p.name)} question={`${strings.session.removeWho(p.name)}?`} onYes={() => change('DELETE', p.userId)} />
            </li>
          ))}
        </ul>
        <PersonForm title={strings.session.invite} button={strings.session.inviteButton} without={(people.value?.items ?? []).map((p) => p.userId)} onPick={(id) => change('PUT', id)} />
      </details>
    </section>
  )
}
