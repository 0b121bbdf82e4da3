import { useSyncExternalStore } from 'react'

/** What the page looks like: as the system says, or as the user does. */
export type Theme = 'auto' | 'light' | 'dark'

const key = 'fitmq.theme'
const order: readonly Theme[] = ['auto', 'light', 'dark']
const listeners = new Set<() => void>()

function read(): Theme {
  try {
    const kept = localStorage.getItem(key)
    return order.find((t) => t === kept) ?? 'auto'
  } catch {
    return 'auto' // a browser that keeps nothing
  }
}

let theme: Theme = 'auto'

/** Applies the kept theme; once, before anything is drawn. */
export function startTheme(): void {
  apply(read())
}

function apply(next: Theme): void {
  theme = next
  if (next === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = next
  for (const changed of listeners) changed()
}

/** The one after, in the order of the button. */
export function nextTheme(t: Theme): Theme {
  return order[(order.indexOf(t) + 1) % order.length] ?? 'auto'
}

export function setTheme(next: Theme): void {
  try {
    if (next === 'auto') localStorage.removeItem(key)
    else localStorage.setItem(key, next)
  } catch {
    // It then holds for this page only.
  }
  apply(next)
}

export function useTheme(): Theme {
  return useSyncExternalStore((changed) => {
    listeners.add(changed)
    return () => listeners.delete(changed)
  }, () => theme)
}
