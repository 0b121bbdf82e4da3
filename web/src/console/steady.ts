// Lists that change by themselves must not move under a pointer that is about to click.
import { useRef, useState, type FocusEvent } from 'react'

export interface Steady<T> {
  /** The rows as they are shown; gone says that the newest answer has none of that key. */
  readonly rows: readonly { readonly item: T; readonly gone: boolean }[]
  /** How many the newest answer has that are not shown. */
  readonly news: number
}

/** The rows that are shown, in their order, with the newest values. */
export function steady<T>(shown: readonly T[], fresh: readonly T[], key: (item: T) => string): Steady<T> {
  const newest = new Map(fresh.map((item) => [key(item), item]))
  const rows = shown.map((item) => ({ item: newest.get(key(item)) ?? item, gone: !newest.has(key(item)) }))
  const known = new Set(shown.map(key))
  return { rows, news: fresh.filter((item) => !known.has(key(item))).length }
}

/** What to put on the element around the rows. */
export interface Holding {
  readonly onPointerEnter: () => void
  readonly onPointerLeave: () => void
  readonly onFocus: () => void
  readonly onBlur: (event: FocusEvent<HTMLElement>) => void
}

/** Keeps the order of a list's rows while the pointer or the keyboard is among them; place names the list, so that another page of it is shown at once. */
export function useSteady<T>(items: readonly T[] | undefined, key: (item: T) => string, place: string): Steady<T> & { held: boolean; holding: Holding } {
  const [pointer, setPointer] = useState(false)
  const [focus, setFocus] = useState(false)
  const shown = useRef<{ place: string; items: readonly T[] }>(undefined)
  const held = pointer || focus
  if (items === undefined) shown.current = undefined // what comes is another list
  else if (!held || shown.current?.place !== place) shown.current = { place, items }
  const list = steady(shown.current?.items ?? [], items ?? [], key)
  return {
    ...list,
    held,
    holding: {
      onPointerEnter: () => setPointer(true),
      onPointerLeave: () => setPointer(false),
      onFocus: () => setFocus(true),
      onBlur: (event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setFocus(false)
      },
    },
  }
}
