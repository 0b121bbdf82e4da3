import { newId, type ChallengeInfo } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { useState, type FormEvent } from 'react'
import { formatDay } from '../format'
import { go, hrefOf } from '../route'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { useTitle } from '../ui/hooks'
import { teamsOf } from './standing'

const t = strings.challenges
const order: Record<ChallengeInfo['state'], number> = { active: 0, scheduled: 1, ended: 2 }
const metrics = ['distance', 'duration', 'calories', 'ascent', 'steps', 'repetitions', 'workouts', 'activeMinutes'] as const
const dayLength = 86_400_000

/** The challenges that one may see, and a way to a new one. */
export function Challenges() {
  const { value, error, reload } = useAsked<List<ChallengeInfo>>('/challenges?limit=200')
  const all = [...(value?.items ?? [])].sort((a, b) => order[a.state] - order[b.state] || (a.endsAt < b.endsAt ? -1 : 1))
  useTitle(t.title)
  return (
    <>
      <div className="heading"><h1>{t.title}</h1></div>
      <div className="columns">
        <section className="panel list-panel" aria-label={t.list}>
          {value === undefined && error === undefined && <p className="empty" role="status">{strings.loading}</p>}
          {error !== undefined && (
            <p className="empty">
              {error} <button type="button" className="quiet-button" onClick={reload}>{strings.again}</button>
            </p>
          )}
          {value !== undefined && all.length === 0 && <p className="empty">{t.none}</p>}
          <ul className="rows">
            {all.map((c) => (
              <li key={c.challengeId}>
                <a className="row" href={hrefOf('challenges', [c.challengeId])} data-testid="challenge-link" data-challenge={c.challengeId}>
                  <span className="row-main">
                    <strong>{c.title || c.challengeId}</strong>
                    <span className="muted">{strings.metrics[c.metric] ?? c.metric} · {t.periods(formatDay(c.startsAt), formatDay(c.endsAt))}</span>
                  </span>
                  <span className="state-pill" data-state={c.state}>{strings.challengeState[c.state]}</span>
                </a>
              </li>
            ))}
          </ul>
        </section>
        <NewChallenge />
      </div>
    </>
  )
}

function NewChallenge() {
  const client = useFitmq()
  const tell = useTell()
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const id = newId().slice(0, 12)
    const goal = Number(data.get('goal'))
    const now = Date.now()
    const teams = teamsOf(String(data.get('teams') ?? ''))
    setWrong(teams === undefined)
    if (teams === undefined) return
    const period = String(data.get('period') ?? '')
    setBusy(true)
    client.request('PUT', `/challenges/${id}`, {
      title: String(data.get('title') ?? '').trim(), visibility: data.get('invite') === 'on' ? 'invite' : 'open', metric: String(data.get('metric')), aggregate: 'sum', order: 'desc',
      startsAt: new Date(now).toISOString(), endsAt: new Date(now + Number(data.get('days')) * dayLength).toISOString(),
      ...(goal > 0 ? { goal, goalOf: String(data.get('goalOf')) } : {}),
      ...(period === '' ? {} : { period, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone }),
      ...(teams.length === 0 ? {} : { teams }),
    }).then(() => go(hrefOf('challenges', [id])), (error: unknown) => {
      setBusy(false)
      tell(wordsOf(error))
    })
  }
  return (
    <form className="panel form" onSubmit={submit} aria-label={t.make}>
      <h2>{t.make}</h2>
      <label>{t.name}<input name="title" maxLength={200} required /></label>
      <label>
        {t.metric}
        <select name="metric" defaultValue="distance">
          {metrics.map((m) => <option key={m} value={m}>{strings.metrics[m]}</option>)}
        </select>
      </label>
      <div className="pair">
        <label>{t.days}<input name="days" type="number" min={1} max={365} defaultValue={7} required /></label>
        <label>
          {t.period}
          <select name="period" defaultValue="">
            <option value="">{t.periodNone}</option>
            {(['daily', 'weekly', 'monthly'] as const).map((p) => <option key={p} value={p}>{t.periodNames[p]}</option>)}
          </select>
        </label>
        <label>{t.goal}<input name="goal" type="number" min={0} step="any" /></label>
        <label>
          {t.goalOf}
          <select name="goalOf" defaultValue="all">
            {(['all', 'each'] as const).map((g) => <option key={g} value={g}>{t.goalOfNames[g]}</option>)}
          </select>
        </label>
      </div>
      <label>
        {t.teams}
        <textarea name="teams" rows={2} placeholder={t.teamsHint} autoCapitalize="none" spellCheck={false} aria-invalid={wrong} aria-describedby="teams-wrong" />
      </label>
      <p id="teams-wrong" className="problem" role="alert" hidden={!wrong}>{t.teamsWrong}</p>
      <label className="check"><input name="invite" type="checkbox" /> {strings.sessions.invite}</label>
      <button type="submit" className="button" disabled={busy}>{t.makeButton}</button>
    </form>
  )
}
