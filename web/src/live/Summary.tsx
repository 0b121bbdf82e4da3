import { useEffect, useState, type CSSProperties } from 'react'
import { count, distance, formatDuration, join, zoneRange, type Measure } from '../format'
import { strings } from '../strings'
import { useAsked, type List } from '../ui/asked'
import { Avatar, Figure } from '../ui/parts'

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
  zonesMaxHeartRate?: number
}

/** Somebody's summary, as the list has it. */
interface Named extends Summary {
  readonly userId: string
  readonly name: string
}

/** A summary is written a moment after the end: how often, and after how long in ms, it is asked for again. */
const attempts = 6
const attemptEvery = 800

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
  const { value: s, error, reload } = useAsked<Summary>(`/sessions/${id}/summaries/${me}`)
  const [tried, setTried] = useState(0)
  const waits = s === undefined && tried < attempts
  useEffect(() => {
    if (!waits || error === undefined) return
    const timer = setTimeout(() => {
      setTried(tried + 1)
      reload()
    }, attemptEvery)
    return () => clearTimeout(timer)
  }, [waits, error, tried, reload])
  return (
    <section className="panel summary" aria-labelledby="summary-title" data-testid="summary">
      <h2 id="summary-title" className="panel-title">{t.summary}</h2>
      {s === undefined ? (
        <p className="empty" role="status">{waits ? strings.loading : t.noSummary}</p>
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
          <Zones seconds={s.timeInHeartRateZones ?? []} max={s.zonesMaxHeartRate} />
        </>
      )}
      {!waits && <Everybody id={id} me={me} />}
    </section>
  )
}

/** What the others did, for who opens it. */
function Everybody({ id, me }: { id: string; me: string }) {
  const { value } = useAsked<List<Named>>(`/sessions/${id}/summaries?limit=200`)
  const others = (value?.items ?? []).filter((x) => x.userId !== me).sort((a, b) => (a.rank || Infinity) - (b.rank || Infinity))
  if (others.length === 0) return null
  return (
    <details className="others" open={others.length <= 3}>
      <summary>{t.others(others.length)}</summary>
      <ul className="rows">
        {others.map((x) => (
          <li key={x.userId} className="row" data-testid="other-summary" data-user={x.userId}>
            <Avatar userId={x.userId} name={x.name} size="small" />
            <span className="row-main">
              <strong>{x.name}</strong>
              <span className="muted">{figures(x).map(([name, m]) => `${name} ${join(m)}`).join(' · ')}</span>
            </span>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** How long the heart was in which zone: a bar, and the same in words. */
function Zones({ seconds, max }: { seconds: readonly number[]; max: number | undefined }) {
  const all = seconds.reduce((sum, s) => sum + s, 0)
  if (all <= 0) return null
  return (
    <div className="zone-times" data-testid="zone-times" data-max={max}>
      <h3 className="board-part">{max === undefined ? t.zones : t.zonesOf(Math.round(max))}</h3>
      <div className="zones" aria-hidden="true">
        {seconds.map((s, zone) => s > 0 && <span key={zone} data-zone={zone} style={{ '--part': s / all } as CSSProperties} />)}
      </div>
      <ul className="zone-list">
        {seconds.map((s, zone) => s > 0 && (
          <li key={zone} data-zone={zone}>
            <span className="zone-swatch" aria-hidden="true" />
            <span>{strings.athletes.zone(zone)}</span>
            <span className="muted">{max === undefined ? '' : t.zoneRange(zoneRange(zone, max))}</span>
            <span className="zone-time">{formatDuration(s)}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
