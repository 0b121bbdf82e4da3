import { memo } from 'react'

const width = 100
const height = 40
const margin = 3

/** The last values as a line with its end marked; scaled to their own range, which is at least a tenth of their height. */
export const Sparkline = memo(function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const last = values.at(-1)
  if (last === undefined || values.length < 2) return <svg className="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true" />
  const low = Math.min(...values)
  const high = Math.max(...values)
  const range = Math.max(high - low, Math.abs(high) * 0.1, 0.1)
  const middle = (high + low) / 2
  const x = (i: number): number => margin + (i / (values.length - 1)) * (width - 2 * margin)
  const y = (v: number): number => height / 2 - ((v - middle) / range) * (height - 4 * margin)
  const line = values.map((v, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join('')
  return (
    <svg className="spark" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path className="spark-area" d={`${line}L${width - margin} ${height}L${margin} ${height}Z`} />
      <path className="spark-line" d={line} />
      {/* A stroke of no length with round ends: a dot that stays round however the box is stretched. */}
      <path className="spark-end" d={`M${width - margin} ${y(last).toFixed(1)}h0`} />
    </svg>
  )
})
