import { useFitmq } from '@fitmq/react'
import { useState, type FormEvent } from 'react'
import { hrefOf } from '../route'
import { useMe } from '../shell/me'
import { wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { useAsked } from '../ui/asked'
import { useTitle } from '../ui/hooks'
import { kinds, preferencesOf, type Preferences as Chosen } from './preferences'

const t = strings.inbox

/** What one wants to hear of, when, and who sees whether one is there. */
export function Preferences() {
  const me = useMe()
  const path = `/users/${me.userId}/preferences`
  const { value, error } = useAsked<Chosen>(path)
  useTitle(t.preferences)
  return (
    <>
      <div className="heading">
        <h1>{t.preferences}</h1>
        <a className="quiet-button" href={hrefOf('inbox')}>{t.back}</a>
      </div>
      {value === undefined ? <p className="panel empty" role="status">{error ?? strings.loading}</p> : <Form path={path} before={value} />}
    </>
  )
}

function Form({ path, before }: { path: string; before: Chosen }) {
  const client = useFitmq()
  const [said, setSaid] = useState<{ text: string; bad: boolean }>()
  const quiet = before.notifications?.quiet
  const [isQuiet, setQuiet] = useState(quiet !== undefined)
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    client.request('PUT', path, preferencesOf(new FormData(event.currentTarget), before)).then(
      () => setSaid({ text: t.saved, bad: false }),
      (error: unknown) => setSaid({ text: wordsOf(error), bad: true }),
    )
  }
  return (
    <form className="panel form narrow" onSubmit={submit} onChange={() => setSaid(undefined)} aria-label={t.preferences}>
      <fieldset>
        <legend>{t.kinds}</legend>
        {kinds.map((k) => (
          <label key={k} className="check">
            <input type="checkbox" name={`kind-${k}`} defaultChecked={!before.notifications?.off?.includes(k)} /> {t.kindNames[k]}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>{t.quiet}</legend>
        <label className="check">
          <input type="checkbox" name="quiet" checked={isQuiet} onChange={(e) => setQuiet(e.currentTarget.checked)} /> {t.quietOn}
        </label>
        {isQuiet && (
          <div className="pair">
            <label>{t.from}<input type="time" name="start" required defaultValue={quiet?.start ?? '22:00'} /></label>
            <label>{t.to}<input type="time" name="end" required defaultValue={quiet?.end ?? '07:00'} /></label>
            <label>{t.zone}<input name="timeZone" defaultValue={quiet?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone} /></label>
          </div>
        )}
      </fieldset>
      <div className="pair">
        <label>
          {t.units}
          <select name="units" defaultValue={before.units ?? 'km'}>
            {(['km', 'mile'] as const).map((u) => <option key={u} value={u}>{t.unitNames[u]}</option>)}
          </select>
        </label>
        <label>{t.maxHeartRate}<input type="number" name="maxHeartRate" min={100} max={250} defaultValue={before.maxHeartRate} inputMode="numeric" /></label>
        <label>
          {t.privacy}
          <select name="presence" defaultValue={before.presence ?? 'shared'}>
            {(['shared', 'private'] as const).map((p) => <option key={p} value={p}>{t.presence[p]}</option>)}
          </select>
        </label>
      </div>
      <p role="status" className={said?.bad ? 'problem' : 'fine'} data-testid="preferences-said">{said?.text}</p>
      <button type="submit" className="button">{t.save}</button>
    </form>
  )
}
