import type { ActivityInput } from '@fitmq/client'
import { useConnection } from '@fitmq/react'
import { useState, type FormEvent } from 'react'
import { wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { activityOf, sports } from './activity'

const t = strings.challenges

/** Hands in an activity by hand; without a connection it waits. */
export function ActivityForm({ submit, sports: counted, ended }: { submit: (a: ActivityInput) => Promise<string>; sports: readonly string[] | undefined; ended: boolean }) {
  const { state } = useConnection()
  const [said, setSaid] = useState<{ text: string; bad: boolean }>()
  const offered = counted !== undefined && counted.length > 0 ? counted : sports
  const onSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = event.currentTarget
    const data = new FormData(form)
    const field = (name: string): string => String(data.get(name) ?? '')
    const activity = activityOf({
      sport: field('sport'), minutes: field('minutes'), distance: field('distance'), calories: field('calories'), steps: field('steps'), ascent: field('ascent'),
      repetitions: field('repetitions'),
    }, Date.now())
    setSaid(state === 'connected' ? undefined : { text: t.waits, bad: false })
    submit(activity).then(() => {
      form.reset()
      setSaid({ text: t.handed, bad: false })
    }, (error: unknown) => setSaid({ text: wordsOf(error), bad: true }))
  }
  return (
    <form className="panel form" onSubmit={onSubmit} aria-label={t.submit} data-testid="activity-form">
      <h2>{t.submit}</h2>
      {ended && <p className="fine">{t.submitLate}</p>}
      <label>
        {t.sport}
        <select name="sport">{offered.map((s) => <option key={s} value={s}>{strings.sports[s] ?? s}</option>)}</select>
      </label>
      <div className="pair">
        <label>{t.minutes}<input name="minutes" type="number" min="0.1" max="2880" step="any" required inputMode="decimal" /></label>
        <label>{t.distance}<input name="distance" type="number" min="0" max="1000" step="any" inputMode="decimal" /></label>
        <label>{t.calories}<input name="calories" type="number" min="0" max="30000" step="any" inputMode="decimal" /></label>
        <label>{t.ascent}<input name="ascent" type="number" min="0" step="any" inputMode="decimal" /></label>
        <label>{t.steps}<input name="steps" type="number" min="0" max="1000000" inputMode="numeric" /></label>
        <label>{t.repetitions}<input name="repetitions" type="number" min="0" max="100000" inputMode="numeric" /></label>
      </div>
      <p role="status" className={said?.bad ? 'problem' : 'fine'} data-testid="activity-said">{said?.text}</p>
      <button type="submit" className="button">{t.hand}</button>
    </form>
  )
}
