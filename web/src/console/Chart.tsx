import { useId, useState, type PointerEvent } from 'react'
import { areaPath, buckets, ceiling, linePath } from './chart'
import { bytes, count } from './format'
import { strings } from './strings'

const t = strings.charts
const width = 240
const height = 72
/** How many seconds are drawn, and how many one row of the numbers stands for. */
const seconds = 120
const row = 10

export interface Series {
  readonly name: string
  readonly values: readonly number[]
}

/** A chart of the last two minutes: lines that differ in colour and dash, a sentence that says the same, and the numbers. */
export function Chart({ title, series, inBytes = false, testid }: { title: string; series: readonly Series[]; inBytes?: boolean; testid: string }) {
  const [at, setAt] = useState<number>()
  const id = useId()
  const say = inBytes ? bytes : count
  const drawn = series.map((s) => ({ ...s, values: s.values.slice(-seconds) }))
  const peak = Math.max(0, ...drawn.flatMap((s) => s.values))
  const top = ceiling(peak, inBytes)
  // i counts from the left end, of two minutes ago; a broker that began later has nothing there.
  const of = (s: Series, i: number): string => {
    const v = s.values[i - (seconds - s.values.length)]
    return v === undefined ? strings.none : say(v)
  }
  const summary = t.summary(title, drawn.map((s) => t.part(s.name, of(s, seconds - 1), say(Math.max(0, ...s.values)))).join('; '))
  const shown = at ?? seconds - 1
  const move = (event: PointerEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect()
    setAt(Math.max(0, Math.min(seconds - 1, Math.round(((event.clientX - box.left) / box.width) * (seconds - 1)))))
  }
  const table = drawn.map((s) => buckets(s.values, row))
  return (
    <figure className="console-chart panel" data-testid={testid} data-now={series.map((s) => s.values.at(-1) ?? 0).join(' ')} data-peak={peak}>
      <figcaption id={id}>
        <span className="console-chart-title">{title}</span>
        <span className="console-chart-at">{at === undefined ? ' ' : t.secondsAgo(seconds - 1 - at)}</span>
      </figcaption>
      <ul className="console-legend">
        {drawn.map((s, i) => (
          <li key={s.name} data-series={i}>
            <svg viewBox="0 0 18 4" aria-hidden="true"><path className={`console-line console-line-${i}`} d="M0 2H18" /></svg>
            {drawn.length > 1 && <span>{s.name}</span>}
            <strong>{of(s, shown)}</strong>
          </li>
        ))}
      </ul>
      <div className="console-plot">
        <span className="console-top" aria-hidden="true">{say(top)}</span>
        <svg viewBox={`0 -2 ${width} ${height + 4}`} preserveAspectRatio="none" role="img" aria-label={summary} onPointerMove={move} onPointerLeave={() => setAt(undefined)}>
          <path className="console-grid" d={`M0 0H${width}M0 ${height / 2}H${width}M0 ${height}H${width}`} />
          {drawn.map((s, i) => (
            <g key={s.name}>
              {drawn.length === 1 && <path className={`console-area console-area-${i}`} d={areaPath(s.values, top, width, height, seconds)} />}
              <path className={`console-line console-line-${i}`} d={linePath(s.values, top, width, height, seconds)} />
            </g>
          ))}
          {at !== undefined && <path className="console-cross" d={`M${(at / (seconds - 1)) * width} 0V${height}`} />}
        </svg>
      </div>
      <details>
        <summary>{t.numbers}<span className="visually-hidden">: {title}</span></summary>
        <table className="console-table console-numbers" aria-labelledby={id}>
          <thead>
            <tr>
              <th scope="col">{t.from}</th>
              {drawn.map((s) => <th key={s.name} scope="col">{s.name}</th>)}
            </tr>
          </thead>
          <tbody>
            {(table[0] ?? []).map((_, i, all) => (
              <tr key={i}>
                <th scope="row">{(all.length - i - 1) * row}–{(all.length - i) * row}</th>
                {table.map((values, n) => <td key={n}>{say(values[i] ?? 0)}</td>)}
              </tr>
            )).reverse()}
          </tbody>
        </table>
      </details>
    </figure>
  )
}
