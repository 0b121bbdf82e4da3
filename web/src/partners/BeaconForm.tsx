import type { Beacon, FitmqError } from '@fitmq/client'
import { useState, type FormEvent } from 'react'
import { strings } from '../strings'
import { bands, cellOf, paceOf, type Cell } from './map'
import { levels, wishesOf } from './wishes'

const t = strings.partners
const sports = ['running', 'cycling', 'walking', 'hiking', 'swimming', 'rowing'] as const
/** Sports whose speed people give in km/h and not as a pace. */
const bySpeed = new Set<string>(['cycling', 'rowing'])
const hourLength = 3_600_000

interface Props {
  cell: Cell
  radius: number
  searching: boolean
  error: FitmqError | undefined
  onCell: (cell: Cell) => void
  onRadius: (radius: number) => void
  onSearch: (beacon: Beacon) => void
  onStop: () => void
}

/** The beacon: what one wants to do, how fast, how far away, and until when. */
export function BeaconForm({ cell, radius, searching, error, onCell, onRadius, onSearch, onStop }: Props) {
  const [sport, setSport] = useState<string>('running')
  const [wrong, setWrong] = useState<string>()
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    const fast = String(data.get('fast') ?? '')
    const pace = bySpeed.has(sport) || fast === '' ? undefined : paceOf(fast)
    if (!bySpeed.has(sport) && fast !== '' && pace === undefined) return setWrong(t.badPace)
    const wished = wishesOf(data, bySpeed.has(sport), Date.now())
    if (wished === undefined) return setWrong(t.badPace)
    setWrong(undefined)
    onSearch({
      ...cell, sport, radius,
      until: new Date(Date.now() + Number(data.get('hours')) * hourLength).toISOString(),
      ...(pace === undefined ? {} : { pace }),
      ...(bySpeed.has(sport) && fast !== '' ? { speed: Number(fast) / 3.6 } : {}),
      ...wished,
    })
  }
  const locate = (): void => {
    const { geolocation } = navigator as Partial<Navigator>
    if (geolocation === undefined) return setWrong(t.noPosition)
    geolocation.getCurrentPosition(
      ({ coords }) => {
        setWrong(undefined)
        onCell(cellOf(coords.latitude, coords.longitude)) // the exact position goes no further than this line
      },
      () => setWrong(t.noPosition),
      { enableHighAccuracy: false, timeout: 10_000 },
    )
  }
  const said = wrong ?? error?.reason
  return (
    <form className="panel form" onSubmit={submit} aria-label={t.search} data-testid="beacon-form">
      <h2>{t.search}</h2>
      <div className="pair">
        <label>
          {t.sport}
          <select value={sport} onChange={(e) => setSport(e.currentTarget.value)}>
            {sports.map((s) => <option key={s} value={s}>{strings.sports[s]}</option>)}
          </select>
        </label>
        {bySpeed.has(sport)
          ? <label>{t.speed}<input key="speed" name="fast" type="number" min="1" max="140" step="any" inputMode="decimal" /></label>
          : <label>{t.pace}<input key="pace" name="fast" inputMode="text" autoComplete="off" placeholder={t.paceHint} /></label>}
        <label>
          {t.radiusLabel}
          <select value={radius} onChange={(e) => onRadius(Number(e.currentTarget.value))}>
            {bands.map((b) => <option key={b} value={b}>{t.radius(b / 1000)}</option>)}
          </select>
        </label>
        <label>
          {t.hours}
          <select name="hours" defaultValue="2">{[1, 2, 3, 4].map((h) => <option key={h} value={h}>{t.hoursOf(h)}</option>)}</select>
        </label>
        <Degrees name={t.latitude} value={cell.latitude} limit={89} onChange={(latitude) => onCell(cellOf(latitude, cell.longitude))} />
        <Degrees name={t.longitude} value={cell.longitude} limit={180} onChange={(longitude) => onCell(cellOf(cell.latitude, longitude))} />
      </div>
      <details className="filters">
        <summary>{t.filters}</summary>
        <div className="pair">
          <label>{bySpeed.has(sport) ? t.fromSpeed : t.fromPace}<input key={`min ${bySpeed.has(sport)}`} name="fastMin" autoComplete="off" /></label>
          <label>{bySpeed.has(sport) ? t.toSpeed : t.toPace}<input key={`max ${bySpeed.has(sport)}`} name="fastMax" autoComplete="off" /></label>
          <label>
            {t.level}
            <select name="level" defaultValue="">
              <option value="">{t.levelNone}</option>
              {levels.map((l) => <option key={l} value={l}>{t.levelNames[l]}</option>)}
            </select>
          </label>
          <label>
            {t.begin}
            <select name="begin" defaultValue="0">{[0, 30, 60, 120].map((m) => <option key={m} value={m}>{t.beginIn(m)}</option>)}</select>
          </label>
        </div>
        <fieldset className="severities">
          <legend>{t.levels}</legend>
          {levels.map((l) => <label key={l} className="check"><input type="checkbox" name="levels" value={l} /> {t.levelNames[l]}</label>)}
        </fieldset>
      </details>
      <button type="button" className="quiet-button" onClick={locate}>{t.locate}</button>
      <p className="problem" role="alert" hidden={said === undefined}>{said}</p>
      <p className="fine" role="status" data-testid="searching" data-on={searching}>{searching ? t.searching : t.notSearching}</p>
      <div className="actions">
        <button type="submit" className="button">{searching ? t.update : t.start}</button>
        {searching && <button type="button" className="quiet-button" onClick={onStop}>{t.stop}</button>}
      </div>
    </form>
  )
}

/** A coordinate; it counts, and becomes that of the square's middle, when the field is left. */
function Degrees({ name, value, limit, onChange }: { name: string; value: number; limit: number; onChange: (degrees: number) => void }) {
  return (
    <label>
      {name}
      <input
        key={value}
        type="number"
        step="any"
        min={-limit}
        max={limit}
        required
        defaultValue={value}
        onBlur={(e) => {
          const degrees = e.currentTarget.valueAsNumber
          if (Math.abs(degrees) <= limit && degrees !== value) onChange(degrees)
        }}
      />
    </label>
  )
}
