import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { strings } from '../strings'

/** The tab's title while the component is mounted. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${strings.product}`
    return () => {
      document.title = strings.product
    }
  }, [title])
}

/** This machine's clock, read anew each period. */
export function useNow(period: number): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), period)
    return () => clearInterval(timer)
  }, [period])
  return now
}

/**
 * Lets a list's rows glide to their new places when their order changes: each row is moved back to where it was
 * and released. Rows carry data-flip; who asked for less motion gets none.
 */
export function useReorder<T extends HTMLElement>(order: string): RefObject<T | null> {
  const list = useRef<T>(null)
  const places = useRef(new Map<string, number>())
  useLayoutEffect(() => {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    const next = new Map<string, number>()
    for (const row of list.current?.querySelectorAll<HTMLElement>('[data-flip]') ?? []) {
      const key = row.dataset['flip'] ?? ''
      const before = places.current.get(key)
      next.set(key, row.offsetTop)
      if (still || before === undefined || before === row.offsetTop) continue
      row.animate([{ transform: `translateY(${before - row.offsetTop}px)` }, { transform: 'none' }], {
        duration: 420,
        easing: 'cubic-bezier(.2,.8,.2,1)',
      })
    }
    places.current = next
  }, [order])
  return list
}

/** The value once it has stayed the same for a while, in ms; before that, the one that did. */
export function useSettled<T>(value: T, hold: number): T | undefined {
  const [settled, setSettled] = useState<T>()
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), hold)
    return () => clearTimeout(timer)
  }, [value, hold])
  return settled
}
