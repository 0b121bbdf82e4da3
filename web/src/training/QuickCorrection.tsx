import type { Training } from '@fitmq/client'
import type { FormEvent } from 'react'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { quick } from './quick'

const t = strings.training

/** A word to a client without leaving the overview: one of the usual ones, or one's own. */
export function QuickCorrection({ training, userId, name, exercise }: { training: Training; userId: string; name: string; exercise: string | undefined }) {
  const tell = useTell()
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = event.currentTarget
    const data = new FormData(form)
    const chosen = quick[Number(data.get('what'))] ?? quick[0]
    const own = String(data.get('cue') ?? '').trim()
    if (chosen === undefined) return
    form.reset()
    // What is about no joint in particular is about what one is at.
    const about = chosen.joint === undefined && exercise !== undefined ? { exercise } : {}
    training.sendFormCorrection(userId, { ...chosen, ...about, ...(own === '' ? {} : { cue: own }) }).catch((error: unknown) => tell(wordsOf(error)))
  }
  return (
    <form className="quick" onSubmit={submit} aria-label={t.quickTo(name)}>
      <select name="what" aria-label={t.quick}>
        {quick.map((q, i) => <option key={q.cue} value={i}>{q.cue}</option>)}
      </select>
      <input name="cue" maxLength={280} placeholder={t.quickOwn} aria-label={t.quickOwn} autoComplete="off" />
      <button type="submit" className="button">{t.quickSend}</button>
    </form>
  )
}
