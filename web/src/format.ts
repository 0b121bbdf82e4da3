// Numbers into words. The raw values are SI units, as on the wire; what is shown is what an athlete reads.

/** What stands where a value was not measured. */
export const absent = '–'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const two = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
const one = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** A value and its unit, apart, so that the unit can be set smaller. */
export interface Measure {
  value: string
  unit: string
}

/** 3661 -> "1:01:01", 61 -> "1:01". */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  const h = Math.floor(s / 3600)
  const m = Math.floor((s % 3600) / 60)
  const ss = String(s % 60).padStart(2, '0')
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${ss}` : `${m}:${ss}`
}

/** Time left in words a person plans with: "3 d 4 h", "2 h 5 min", "4:09". */
export function formatTimeLeft(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  if (s >= 86400) return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`
  if (s >= 3600) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`
  return formatDuration(s)
}

/** A distance in metres: below 1 km in metres, above in kilometres with two decimals. */
export function distance(metres: number): Measure {
  return metres < 1000 ? { value: whole.format(metres), unit: 'm' } : { value: two.format(metres / 1000), unit: 'km' }
}

/** A board's score in the unit that the board names (m, s, kcal, W or a count). */
export function score(value: number, unit: string): Measure {
  switch (unit) {
    case 'm':
      return distance(value)
    case 's':
      return { value: formatDuration(value), unit: '' }
    case 'min':
    case 'kcal':
    case 'W':
      return { value: whole.format(value), unit }
    default:
      return { value: Number.isInteger(value) ? whole.format(value) : one.format(value), unit: unit === 'count' ? '' : unit }
  }
}

export function formatScore(value: number, unit: string): string {
  return join(score(value, unit))
}

/** How far behind the leader: metres stay exact to one decimal while they are few. */
export function formatGap(gap: number, unit: string): string {
  const by = Math.abs(gap)
  if (unit === 'm' && by < 100) return `${one.format(by)} m`
  return formatScore(by, unit)
}

const paced: Record<string, number> = {
  running: 1000,
  run: 1000,
  walking: 1000,
  walk: 1000,
  hiking: 1000,
  swimming: 100,
  swim: 100,
  rowing: 500,
  row: 500,
}

/** Pace for those who run, walk, swim or row (per km, 100 m, 500 m); km/h for everybody else. */
export function speedOrPace(metresPerSecond: number | undefined, sport: string | undefined): Measure {
  const per = sport === undefined ? undefined : paced[sport]
  const unit = per === undefined ? 'km/h' : per === 1000 ? '/km' : `/${per} m`
  if (metresPerSecond === undefined) return { value: absent, unit }
  if (per === undefined) return { value: one.format(metresPerSecond * 3.6), unit }
  const seconds = Math.round(per / metresPerSecond)
  // Slower than an hour is standing still.
  return { value: metresPerSecond <= 0 || seconds >= 3600 ? absent : formatDuration(seconds), unit }
}

/** A whole number with its unit, or a dash. */
export function count(value: number | undefined, unit: string): Measure {
  return { value: value === undefined ? absent : whole.format(value), unit }
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** A moment as a clock shows it, "17:05"; '' for what is no time. */
export function formatClock(time: string): string {
  const ms = Date.parse(time)
  return Number.isNaN(ms) ? '' : clock.format(ms)
}

/** A moment as a calendar shows it, "4 Jun"; '' for what is no time. */
export function formatDay(time: string): string {
  const ms = Date.parse(time)
  return Number.isNaN(ms) ? '' : day.format(ms)
}

export function formatAgo(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  if (s < 5) return 'now'
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min`
  if (s < 172_800) return `${Math.floor(s / 3600)} h`
  return `${Math.floor(s / 86_400)} d`
}

export function join(m: Measure): string {
  return m.unit === '' ? m.value : `${m.value} ${m.unit}`
}

/** Up to two letters for a round picture of somebody without one. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter((w) => w !== '')
  const first = [...(words[0] ?? '?')][0] ?? '?'
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : ''
  return (first + last).toUpperCase()
}

/** A hue of 0..359 that stays the same for the same id. */
export function hue(id: string): number {
  let h = 2166136261
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 16777619)
  // The low bits of near ids are near; one more mixing spreads them round the circle.
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return ((h ^ (h >>> 13)) >>> 0) % 360
}

/** A heart-rate zone; 0 is below the first. */
export type Zone = 0 | 1 | 2 | 3 | 4 | 5

/** Where zones begin, as shares of an athlete's maximum: the broker's milestones and summaries have the same. */
const zoneShares = [0.5, 0.6, 0.7, 0.8, 0.9] as const

/** The zone of a heart rate, for whom zones end at max; undefined where either is not known. */
export function heartRateZone(bpm: number | undefined, max: number | undefined): Zone | undefined {
  if (!bpm || !max) return undefined
  // Tenths of the maximum, as the broker counts them: 0.7 * 190 is not 133 in binary.
  return Math.max(0, Math.min(5, Math.floor((bpm / max) * 10) - 4)) as Zone
}

/** From and to which heart rate a zone reaches, in bpm; the first has no lower end, the last no upper one. */
export function zoneRange(zone: number, max: number): { from: number | undefined; to: number | undefined } {
  const at = (share: number | undefined): number | undefined => (share === undefined ? undefined : Math.ceil(max * share - 1e-9))
  const to = at(zoneShares[zone])
  return { from: zone === 0 ? undefined : at(zoneShares[zone - 1]), to: to === undefined ? undefined : to - 1 }
}
