import type { Match } from '@fitmq/client'
import { useId, type CSSProperties, type MouseEvent } from 'react'
import { hue, initials } from '../format'
import { strings } from '../strings'
import { cellMetres, reach, rings, spot } from './map'

const t = strings.partners
/** The drawing's half side; the map is scaled to it. */
const half = 100

interface Props {
  radius: number
  matches: readonly Match[]
  searching: boolean
  /** Hears by how many squares, to the east and to the north, somebody wants to be elsewhere. */
  onMove: (east: number, north: number) => void
}

/** One's square in the middle, the squares around it, rings of distance, and on them the partners. */
export function CellMap({ radius, matches, searching, onMove }: Props) {
  const grid = useId()
  const scale = half / reach(radius)
  const cell = cellMetres * scale
  const onClick = (event: MouseEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect()
    const squares = (at: number, from: number, size: number): number => Math.round((((at - from) / size) * 2 - 1) * half / cell)
    onMove(squares(event.clientX, box.left, box.width), -squares(event.clientY, box.top, box.height))
  }
  return (
    <svg className="cell-map" viewBox={`${-half} ${-half} ${2 * half} ${2 * half}`} role="img" aria-label={t.map(Math.round(radius / 1000))} data-searching={searching} onClick={onClick}>
      <defs>
        <pattern id={grid} width={cell} height={cell} patternUnits="userSpaceOnUse" x={-cell / 2} y={-cell / 2}>
          <path className="cell-line" d={`M${cell} 0H0V${cell}`} />
        </pattern>
      </defs>
      <rect x={-half} y={-half} width={2 * half} height={2 * half} fill={`url(#${grid})`} />
      <circle className="map-radius" r={radius * scale} />
      {rings(radius).map((r) => (
        <g key={r}>
          <circle className="map-ring" r={r * scale} />
          <text className="map-label" x={0} y={-r * scale - 2}>{r / 1000} km</text>
        </g>
      ))}
      <rect className="map-here" x={-cell / 2} y={-cell / 2} width={cell} height={cell} />
      <circle className="map-sweep" r={radius * scale} />
      {matches.filter((m) => m.band !== undefined).map((m) => {
        const at = spot(m.partnerId, m.band ?? 0)
        return (
          <g key={m.partnerId} className="map-partner" data-state={m.state} transform={`translate(${at.x * scale} ${at.y * scale})`}>
            <circle r="8" style={{ '--hue': hue(m.partnerId) } as CSSProperties} />
            <text>{initials(m.name ?? '?')}</text>
          </g>
        )
      })}
    </svg>
  )
}
