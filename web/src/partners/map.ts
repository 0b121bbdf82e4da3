// The map of the partner finder: squares of about 1.2 km, drawn without anybody's tiles. Pure.
import { hue } from '../format'

/** A square's side in degrees of latitude: about 1.2 km. */
const side = 0.0108
const metresPerDegree = 111_320

/** The middle of a square. */
export interface Cell {
  readonly latitude: number
  readonly longitude: number
}

/** A square's side in degrees of longitude, so that it is as wide as it is high. */
function width(latitude: number): number {
  return side / Math.max(0.05, Math.cos((latitude * Math.PI) / 180))
}

const rounded = (degrees: number): number => Math.round(degrees * 1000) / 1000

/** The middle of the square that a position is in: all of it that leaves the browser. */
export function cellOf(latitude: number, longitude: number): Cell {
  const lat = Math.max(-89, Math.min(89, (Math.floor(latitude / side) + 0.5) * side))
  const w = width(lat)
  const lon = (Math.floor(longitude / w) + 0.5) * w
  return { latitude: rounded(lat), longitude: rounded(lon > 180 ? lon - 360 : lon < -180 ? lon + 360 : lon) }
}

/** The square that is so many to the east and to the north. */
export function moved(c: Cell, east: number, north: number): Cell {
  return cellOf(c.latitude + north * side, c.longitude + east * width(c.latitude))
}

/** A square's side in m. */
export const cellMetres = side * metresPerDegree

/** The bands of distance that partners are told in, in m. */
export const bands = [2000, 5000, 10_000, 25_000, 50_000] as const

/** How far the map reaches from its middle for a radius, in m. */
export function reach(radius: number): number {
  return Math.max(3000, radius * 1.15)
}

/** The bands that the map shows as rings. */
export function rings(radius: number): number[] {
  return bands.filter((b) => b <= reach(radius))
}

/**
 * Where a partner is drawn, in m from the middle: inside the ring of the band. The direction is made of the id, because
 * nobody knows it; the same partner stays where it is.
 */
export function spot(partnerId: string, band: number): { x: number; y: number } {
  const before = [0, ...bands].filter((b) => b < band).at(-1) ?? 0
  const far = (before + band) / 2
  const angle = (hue(partnerId) / 180) * Math.PI
  return { x: Math.cos(angle) * far, y: Math.sin(angle) * far }
}

/** "5:30" as s/km; undefined for what is no pace between 0:25 and 60:00. */
export function paceOf(text: string): number | undefined {
  const found = /^(\d{1,2}):([0-5]\d)$/.exec(text.trim())
  if (found === null) return undefined
  const seconds = Number(found[1]) * 60 + Number(found[2])
  return seconds >= 25 && seconds <= 3600 ? seconds : undefined
}
