// The names of people, learned wherever the broker tells them: rosters, boards, links, matches. Messages carry ids.
import { useSyncExternalStore } from 'react'
import { isId } from '../ticket'

const key = 'fitmq.names'
/** How many names are kept; the oldest go, and those people are shown by their ids until they are met again. */
const most = 1000

type Names = Readonly<Record<string, string>>

function load(): Names {
  try {
    const raw: unknown = JSON.parse(sessionStorage.getItem(key) ?? '{}')
    return typeof raw === 'object' && raw !== null ? (raw as Names) : {}
  } catch {
    return {} // no storage, or not ours
  }
}

let names: Names | undefined
const listeners = new Set<() => void>()

const current = (): Names => (names ??= load())

function subscribe(changed: () => void): () => void {
  listeners.add(changed)
  return () => listeners.delete(changed)
}

/** Remembers names. */
export function learnNames(people: readonly { userId: string; name: string }[]): void {
  const known = current()
  const news = people.filter((p) => p.name !== '' && known[p.userId] !== p.name)
  if (news.length === 0) return
  const all = Object.entries({ ...known, ...Object.fromEntries(news.map((p) => [p.userId, p.name])) })
  names = Object.fromEntries(all.slice(-most))
  try {
    sessionStorage.setItem(key, JSON.stringify(names))
  } catch {
    // Then they are known until the page is left.
  }
  for (const changed of listeners) changed()
}

/** Everybody whose name is known, by name. */
export function useKnown(): readonly { userId: string; name: string }[] {
  const known = useSyncExternalStore(subscribe, current)
  return Object.entries(known).map(([userId, name]) => ({ userId, name })).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The id that somebody means by what they wrote: an id, or the name of somebody who is known; undefined for neither. */
export function idOf(text: string, known: readonly { userId: string; name: string }[]): string | undefined {
  const said = text.trim()
  if (known.some((k) => k.userId === said)) return said
  const named = known.filter((k) => k.name.toLowerCase() === said.toLowerCase())
  if (named.length === 1) return named[0]?.userId
  return isId(said) ? said : undefined
}

/** Gives a user's name, or the id of who is not known. */
export function useNames(): (userId: string) => string {
  const known = useSyncExternalStore(subscribe, current)
  return (userId) => known[userId] ?? userId
}
