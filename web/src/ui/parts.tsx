// Small pieces that several panels share.
import type { CSSProperties } from 'react'
import { hue, initials, type Measure, type Zone } from '../format'
import { strings } from '../strings'

export function Mark() {
  return (
    <span className="mark">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path d="M3 17h6l3.5-9 6 16 3.5-7h7" />
      </svg>
      {strings.product}
    </span>
  )
}

/** A round picture made of initials; the same id has the same colour everywhere. */
export function Avatar({ userId, name, size = 'medium' }: { userId: string; name: string; size?: 'small' | 'medium' | 'large' }) {
  return (
    <span className={`avatar avatar-${size}`} style={{ '--hue': hue(userId) } as CSSProperties} aria-hidden="true">
      {initials(name)}
    </span>
  )
}

/** A heart-rate zone in words; its colour is the tile's. */
export function ZoneTag({ zone }: { zone: Zone }) {
  return <span className="zone" data-testid="zone">{strings.athletes.zone(zone)}</span>
}

/** A number with its unit set smaller. */
export function Figure({ measure, className = '' }: { measure: Measure; className?: string }) {
  return (
    <span className={`figure ${className}`}>
      {measure.value}
      {measure.unit !== '' && <span className="unit">{'\u2009' + measure.unit}</span>}
    </span>
  )
}
