import { memo, useState } from 'react'
import { count, distance, formatDuration, join, speedOrPace, type Measure, type Zone } from '../format'
import { strings } from '../strings'
import { Avatar, Figure, ZoneTag } from '../ui/parts'
import { tileState, type Tile, type TileState } from './select'
import { Sparkline } from './Sparkline'

const t = strings.athletes
/** Tiles drawn at first; a class of hundreds is asked for in steps, so that a phone stays quick. */
const step = 24

export function Athletes({ tiles, now, me }: { tiles: Tile[]; now: number; me: string }) {
  const [limit, setLimit] = useState(step)
  const shown = tiles.slice(0, limit)
  return (
    <section aria-labelledby="athletes-title" className="athletes">
      <h2 id="athletes-title">
        {t.title} <span className="tally">{tiles.length}</span>
      </h2>
      {tiles.length === 0 && <p className="panel empty">{t.none}</p>}
      <ul className="tiles" data-testid="tiles" data-count={tiles.length}>
        {shown.map((tile) => (
          <AthleteTile key={tile.userId} {...tile} state={tileState(tile, now)} me={tile.userId === me} />
        ))}
      </ul>
      {tiles.length > limit && (
        <button type="button" className="quiet-button" onClick={() => setLimit(limit + step)}>
          {t.more(Math.min(step, tiles.length - limit))}
        </button>
      )}
    </section>
  )
}

const AthleteTile = memo(function AthleteTile({ userId, name, rank, athlete, zone, state, me }: Tile & { state: TileState; me: boolean }) {
  const sample = athlete?.sample
  const shown = sample === undefined ? [] : measures(sample)
  return (
    <li
      className="tile panel"
      data-testid="tile"
      data-user={userId}
      data-state={state}
      data-zone={zone}
      data-seq={sample?.seq}
      data-heart-rate={sample?.heartRate}
      data-speed={sample?.speed}
      data-power={sample?.power}
      data-cadence={sample?.cadence}
      data-distance={sample?.distance}
      data-elapsed={sample?.elapsedTime}
    >
      <div className="tile-head">
        <Avatar userId={userId} name={name} />
        <div className="tile-who">
          <h3>
            <span className="tile-name">{name}</span>
            {me && <span className="tag">{strings.roles.you}</span>}
          </h3>
          <span className="muted">{sample?.sport === undefined ? t.waiting : (strings.sports[sample.sport] ?? sample.sport)}</span>
        </div>
        {rank !== undefined && <span className="tile-rank">{rank}</span>}
        <span className="tile-state" data-state={state}>{strings.tileState[state]}</span>
      </div>
      {sample !== undefined && athlete !== undefined && (
        <>
          <div className="tile-pulse">
            <HeartRate bpm={sample.heartRate || undefined} zone={zone} />
            <Sparkline
              values={athlete.heartRates.length > 1 ? athlete.heartRates : athlete.speeds}
              label={t.trend(name, (athlete.heartRates.length > 1 ? t.heartRate : t.speed).toLowerCase())}
            />
          </div>
          <dl className="measures" data-count={shown.length}>
            {shown.map(([label, measure]) => (
              <div key={label}>
                <dt>{label}</dt>
                <dd><Figure measure={measure} /></dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </li>
  )
})

function HeartRate({ bpm, zone }: { bpm: number | undefined; zone: Zone | undefined }) {
  return (
    <div className="heart">
      <span className="visually-hidden">{t.heartRate}: {join(count(bpm, 'bpm'))}</span>
      <span className="heart-value" aria-hidden="true">
        <Figure measure={count(bpm, 'bpm')} />
      </span>
      {zone !== undefined && <ZoneTag zone={zone} />}
    </div>
  )
}

/** What this athlete's devices measure; what they do not measure takes no room. */
function measures(s: NonNullable<Tile['athlete']>['sample']): [string, Measure][] {
  const pace = speedOrPace(s.speed, s.sport)
  const shown: [string, Measure][] = []
  if (s.distance !== undefined) shown.push([t.distance, distance(s.distance)])
  if (s.speed !== undefined) shown.push([pace.unit === 'km/h' ? t.speed : t.pace, pace])
  if (s.elapsedTime !== undefined) shown.push([t.elapsed, { value: formatDuration(s.elapsedTime), unit: '' }])
  if (s.power !== undefined) shown.push([t.power, count(s.power, 'W')])
  if (s.cadence !== undefined) shown.push([t.cadence, count(s.cadence, 'rpm')])
  if (s.repetitions !== undefined) shown.push([t.repetitions, count(s.repetitions, '')])
  if (s.steps !== undefined) shown.push([t.steps, count(s.steps, '')])
  if (s.calories !== undefined && s.distance === undefined) shown.push([t.calories, count(s.calories, 'kcal')])
  return shown
}
