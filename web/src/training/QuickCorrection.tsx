import type { Training } from '@fitmq/client'
import type { FormEvent } from 'react'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { groups, quickWord } from './quick'

const t = strings.training

/** A word to a client without leaving the overview: one of the usual ones, or one's own. */
export function QuickCorrection({ training, userId, name, exercise }: { training: Training; userId: string; name: string; exercise: string | undefined }) {
  const tell = useTell()
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = event.currentTarget
    const data = new FormData(form)
    const word = quickWord(Number(data.get('what')), String(data.get('cue') ?? ''), exercise)
    form.reset()
    training.sendFormCorrection(userId, word).catch((error: unknown) => tell(wordsOf(error)))
  }
  return (
    <form className="quick" onSubmit={submit} aria-label={t.quickTo(name)}>
      <select name="what" aria-label={t.quick}>
        {groups.map((g) => (
          <optgroup key={g.exercise ?? ''} label={g.exercise === undefined ? t.quickAny : (t.exercises[g.exercise] ?? g.exercise)}>
            {g.words.map((w) => <option key={w.place} value={w.place}>{w.cue}</option>)}
          </optgroup>
        ))}
      </select>
      <input name="cue" maxLength={280} placeholder={t.quickOwn} aria-label={t.quickOwn} autoComplete="off" />
      <button type="submit" className="button">{t.quickSend}</button>
    </form>
  )
}
