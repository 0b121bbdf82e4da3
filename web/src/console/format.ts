import { strings } from './strings'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** 1,234, or 0.4 where that is small. */
export function count(n: number): string {
  return Math.abs(n) >= 10 || Number.isInteger(n) ? whole.format(n) : short.format(n)
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** 1.5 MiB. */
export function bytes(n: number): string {
  let i = 0
  while (n >= 1024 && i < units.length - 1) {
    n /= 1024
    i++
  }
  return `${i === 0 ? whole.format(n) : short.format(n)} ${units[i]}`
}

/** 3 d 4 h, 5 min 6 s, or 7 s. */
export function span(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s} s`
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`
}

/** How long ago, by the broker's clock or this machine's. */
export function ago(time: string | undefined, now: number): string {
  const at = time === undefined ? NaN : Date.parse(time)
  return Number.isNaN(at) ? strings.none : strings.ago(span((now - at) / 1000))
}

/** 14:03:07, with milliseconds where asked for; with the date where it was another day. */
export function clock(time: string, now: number, exact = false): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return time
  const two = (n: number): string => String(n).padStart(2, '0')
  const day = new Date(now).toDateString() === at.toDateString() ? '' : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} `
  const ms = exact ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : ''
  return `${day}${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}${ms}`
}

/** A reason code of MQTT 5 as it is written: 0x87. */
export function code(n: number): string {
  return `0x${n.toString(16).padStart(2, '0').toUpperCase()}`
}

/** MQTT 5, MQTT 3.1.1, or event stream. */
export function protocol(via: string | undefined, version: number | undefined): string {
  if (via === 'http') return strings.clients.stream
  return version === 5 ? 'MQTT 5' : version === 4 ? 'MQTT 3.1.1' : version === 3 ? 'MQTT 3.1' : strings.none
}

/** The session expiry interval in words. */
export function expiry(seconds: number): string {
  return seconds === 0 ? strings.clients.endsWithConnection : seconds >= 4_294_967_295 ? strings.clients.never : span(seconds)
}
