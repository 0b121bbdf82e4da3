import { newId, type Correction, type CorrectionInput, type FormCorrection } from '@fitmq/client'
import type { UseTraining } from '@fitmq/react'
import { useState, type FormEvent } from 'react'
import { useMe } from '../shell/me'
import { useTell, wordsOf } from '../shell/Notices'
import { strings } from '../strings'
import { joints } from './figure'

const t = strings.training

/** A correction on its way. */
export interface Sent {
  readonly correction: Correction
  readonly stored: boolean
}

interface Props {
  room: UseTraining
  /** Whom it is to, unless another one is chosen. */
  to: string | undefined
  onDraft: (draft: Correction | undefined) => void
  onSent: (sent: Sent) => void
  onStored: (correctionId: string) => void
}

const units: Record<NonNullable<FormCorrection['measure']>, string> = { angle: 'deg', rangeOfMotion: 'deg', tempo: 's', symmetry: '%', depth: 'cm' }

/** What the form says before anything was chosen: the first of each list. */
export const atFirst: Correction = { correctionId: '', userId: '', exercise: Object.keys(t.exercises)[0] ?? 'squat', joint: joints[0] ?? 'knee', severity: 'warning' }

/** The form's fields as a correction; what was left empty is absent. */
export function correctionOf(data: FormData): CorrectionInput {
  const text = (name: string): string => String(data.get(name) ?? '').trim()
  const number = (name: string): object => (text(name) === '' ? {} : { [name]: Number(text(name)) })
  const observed = number('observed')
  const measured = Object.keys(observed).length > 0 ? { measure: text('measure'), unit: units[text('measure') as keyof typeof units], ...observed } : {}
  return {
    exercise: text('exercise'), severity: text('severity') as FormCorrection['severity'], joint: text('joint') as NonNullable<FormCorrection['joint']>,
    ...measured, ...number('targetMin'), ...number('targetMax'), ...number('set'), ...number('repetition'),
    ...(text('cue') === '' ? {} : { cue: text('cue') }),
  }
}

/** The trainer's controls: to whom, about what, and what to do. */
export function CorrectionForm({ room, to, onDraft, onSent, onStored }: Props) {
  const me = useMe()
  const tell = useTell()
  const [measure, setMeasure] = useState<keyof typeof units>('angle')
  const people = room.participants.filter((p) => p.userId !== me.userId)
  const over = room.info?.state === 'ended' || room.info?.state === 'scheduled'
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = event.currentTarget
    const data = new FormData(form)
    const userId = String(data.get('userId') ?? '')
    const correction = { ...correctionOf(data), correctionId: newId() }
    const sent = room.sendFormCorrection(userId, correction)
    onDraft(undefined)
    onSent({ correction: { ...correction, userId }, stored: false })
    sent.then(() => onStored(correction.correctionId), (error: unknown) => tell(wordsOf(error)))
  }
  const draft = (event: FormEvent<HTMLFormElement>): void => {
    const data = new FormData(event.currentTarget)
    onDraft({ ...correctionOf(data), correctionId: '', userId: '' })
  }
  return (
    <form className="form correction-form" onSubmit={submit} onInput={draft} aria-label={t.form}>
      <label>
        {t.client}
        <select key={people.some((p) => p.userId === to) ? to : ''} name="userId" required disabled={people.length === 0} defaultValue={to}>
          {people.length === 0 && <option value="">{t.noMember}</option>}
          {people.map((p) => <option key={p.userId} value={p.userId}>{p.name}</option>)}
        </select>
      </label>
      <div className="pair">
        <label>
          {t.exercise}
          <select name="exercise">{Object.entries(t.exercises).map(([id, name]) => <option key={id} value={id}>{name}</option>)}</select>
        </label>
        <label>
          {t.joint}
          <select name="joint">{joints.map((j) => <option key={j} value={j}>{t.joints[j]}</option>)}</select>
        </label>
        <label>
          {t.measure}
          <select name="measure" value={measure} onChange={(e) => setMeasure(e.currentTarget.value as keyof typeof units)}>
            {Object.entries(t.measures).map(([id, name]) => <option key={id} value={id}>{name}</option>)}
          </select>
        </label>
        <label>{t.observed} ({units[measure] === 'deg' ? '°' : units[measure]})<input name="observed" type="number" step="any" inputMode="decimal" /></label>
        <label>{t.min}<input name="targetMin" type="number" step="any" inputMode="decimal" /></label>
        <label>{t.max}<input name="targetMax" type="number" step="any" inputMode="decimal" /></label>
      </div>
      <fieldset className="severities">
        <legend>{t.severity}</legend>
        {(['info', 'warning', 'stop'] as const).map((s) => (
          <label key={s} className="check"><input type="radio" name="severity" value={s} defaultChecked={s === 'warning'} /> {t.severities[s]}</label>
        ))}
      </fieldset>
      <label>{t.cue}<input name="cue" maxLength={280} placeholder={t.cueHint} required autoComplete="off" /></label>
      <button type="submit" className="button" disabled={people.length === 0 || over}>{t.send}</button>
    </form>
  )
}
