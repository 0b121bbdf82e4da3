// Where one is in the app: a room, what is open in it, and how it is looked at. The address's hash says it, like
// #/live/morning-ride?challenge=november-100k, so that every view can be linked to and the way back works.
import { useSyncExternalStore } from 'react'

/** A place in the app. */
export interface Place {
  /** The first part of the path, '' at the entrance. */
  readonly room: string
  /** The parts behind it. */
  readonly path: readonly string[]
  readonly query: Readonly<Record<string, string>>
}

/** Reads a hash; what is not understood leads to the entrance. */
export function parsePlace(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const parts = path.split('/').filter((p) => p !== '').map(decode)
  return { room: parts[0] ?? '', path: parts.slice(1), query: Object.fromEntries(new URLSearchParams(search)) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // a stray percent sign
  }
}

/** The hash of a place, for href. */
export function hrefOf(room: string, path: readonly string[] = [], query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString()
  return `#/${[room, ...path].filter((p) => p !== '').map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

/** Goes to a place; with replace the present one is not kept in the history. */
export function go(href: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', href)
    window.dispatchEvent(new HashChangeEvent('hashchange'))
  } else location.hash = href
}

function subscribe(changed: () => void): () => void {
  window.addEventListener('hashchange', changed)
  return () => window.removeEventListener('hashchange', changed)
}

let last: { hash: string; place: Place } | undefined

function current(): Place {
  if (last?.hash !== location.hash) last = { hash: location.hash, place: parsePlace(location.hash) }
  return last.place
}

/** The present place. */
export function usePlace(): Place {
  return useSyncExternalStore(subscribe, current)
}
