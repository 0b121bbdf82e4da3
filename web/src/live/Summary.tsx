import type { CSSProperties } from 'react'
import { count, distance, formatDuration, type Measure } from '../format'
import { strings } from '../strings'
import { useAsked } from '../ui/asked'
import { Figure } from '../ui/parts'

const t = strings.session

/** What somebody did in a session (GET /sessions/{id}/summaries/{userId}); what was not measured is absent. */
interface Summary {
  rank?: number
  ranked?: number
  totalTimerTime?: number
  totalElapsedTime?: number
  totalDistance?: number
  totalCalories?: number
  avgHeartRate?: number
  maxHeartRate?: number
  avgPower?: number
  bestKm?: number
  timeInHeartRateZones?: readonly number[]
}

/** The figures of a summary that are there, with their names. */
export function figures(s: Summary): [string, Measure][] {
  const out: [string, Measure][] = []
  const add = (name: string, value: number | undefined, measure: (v: number) => Measure): void => {
    if (value !== undefined) out.push([name, measure(value)])
  }
  add(strings.athletes.distance, s.totalDistance, distance)
  add(t.activeTime, s.totalTimerTime ?? s.totalElapsedTime, (v) => ({ value: formatDuration(v), unit: '' }))
  add(t.calories, s.totalCalories, (v) => count(v, 'kcal'))
  add(t.avgHeartRate, s.avgHeartRate, (v) => count(v, 'bpm'))
  add(t.maxHeartRate, s.maxHeartRate, (v) => count(v, 'bpm'))
  add(t.avgPower, s.avgPower, (v) => count(v, 'W'))
  add(t.bestKm, s.bestKm, (v) => ({ value: formatDuration(v), unit: '' }))
  return out
}

/** One's own summary of a session that is over. */
export function SummaryCard({ id, me }: { id: string; me: string }) {
  const { value: s, error } = useAsked<Summary>(`/sessions/${id}/summaries/${me}`)
  if (s === undefined && error === undefined) return null
  return (
    <section className="panel summary" aria-labelledby="summary-title" data-testid="summary">
      <h2 id="summary-title" className="panel-title">{t.summary}</h2>
      {s === undefined ? (
        <p className="empty">{t.noSummary}</p>
      ) : (
        <>
          {s.rank !== undefined && s.rank > 0 && <p className="summary-rank">{t.rank(s.rank, s.ranked ?? s.rank)}</p>}
          <dl className="totals">
            {figures(s).map(([name, measure]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd><Figure measure={measure} /></dd>
              </div>
            ))}
          </dl>
          <Zones seconds={s.timeInHeartRateZones ?? []} />
        </>
      )}
    </section>
  )
}

function Zones({ seconds }: { seconds: readonly number[] }) {
  const all = seconds.reduce((sum, s) => sum + s, 0)
  if (all <= 0) return null
  return (
    <ul className="zones" aria-label={t.zones}>
      {seconds.map((s, zone) => s > 0 && (
        <li key={zone} data-zone={zone} style={{ '--part': s / all } as CSSProperties} title={t.zoneTime(zone, formatDuration(s))}>
          <span className="visually-hidden">{t.zoneTime(zone, formatDuration(s))}</span>
        </li>
      ))}
    </ul>
  )
}
