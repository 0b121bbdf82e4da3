import type { Correction } from '@fitmq/client'
import type { CSSProperties, ReactNode } from 'react'
import { strings } from '../strings'
import { scaleOf } from './figure'

const t = strings.training

/** A target in words: from, to, or both. */
export function targetWords(c: Pick<Correction, 'targetMin' | 'targetMax' | 'unit'>): string {
  const unit = c.unit === undefined ? '' : c.unit === 'deg' ? '°' : ` ${c.unit}`
  const { targetMin: min, targetMax: max } = c
  if (min !== undefined && max !== undefined) return t.between(`${min}`, `${max}${unit}`)
  if (min !== undefined) return t.atLeast(`${min}${unit}`)
  return max === undefined ? '' : t.atMost(`${max}${unit}`)
}

/** What a correction says: what to do, and how far off it is. */
export function CorrectionCard({ correction: c, children }: { correction: Correction; children?: ReactNode }) {
  const unit = c.unit === undefined ? '' : c.unit === 'deg' ? '°' : ` ${c.unit}`
  return (
    <article className="correction" data-testid="correction" data-severity={c.severity} data-correction={c.correctionId}>
      <div className="correction-head">
        <span className="severity">{t.severities[c.severity]}</span>
        <span className="muted">
          {[t.exercises[c.exercise] ?? c.exercise.replaceAll('_', ' '), c.joint && t.joints[c.joint], t.setRep(c.set, c.repetition)].filter(Boolean).join(' · ')}
        </span>
      </div>
      {c.cue !== undefined && <p className="cue">{c.cue}</p>}
      {c.observed !== undefined && (
        <p className="range">
          <span>{c.measure === undefined ? t.observed : t.measures[c.measure]} <strong>{c.observed}{unit}</strong></span>
          {targetWords(c) !== '' && <span>{t.target} <strong>{targetWords(c)}</strong></span>}
        </p>
      )}
      <Scale correction={c} />
      {children}
    </article>
  )
}

/** The value beside its target, as a picture; the words say the same. */
function Scale({ correction }: { correction: Correction }) {
  const s = scaleOf(correction)
  if (s === undefined) return null
  return (
    <div className="scale" data-good={s.good} aria-hidden="true" style={{ '--from': s.from, '--to': s.to, '--observed': s.observed } as CSSProperties}>
      <span className="scale-target" />
      <span className="scale-observed" />
    </div>
  )
}
