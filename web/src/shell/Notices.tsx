import type { FitmqError } from '@fitmq/client'
import { useFitmq } from '@fitmq/react'
import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from 'react'
import { strings } from '../strings'

/** A sentence that is shown for a while. */
interface Notice {
  readonly key: number
  readonly text: string
  readonly kind: 'error' | 'news'
  /** Where it leads. */
  readonly href?: string | undefined
}

/** How many are shown at once; the oldest goes first. */
const most = 3
/** How long one is shown, in ms. */
const shownFor = 8_000

/** Failures that say nothing new: the connection's state is always on the page. */
const silent = new Set(['network', 'closed', 'sign-in'])

type Tell = (text: string, kind?: Notice['kind'], href?: string) => void
const Context = createContext<Tell>(() => undefined)

/** Shows sentences to the user: what was refused and why, and news from where one is not looking. */
export function useTell(): Tell {
  return useContext(Context)
}

/** What a failure is to a person. */
export function wordsOf(error: unknown): string {
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') {
    return (error as FitmqError).code === 'network' ? strings.offlineNow : error.reason
  }
  return error instanceof Error ? error.message : String(error)
}

/** Gives the components below it useTell, and tells of the client's failures by itself. */
export function Notices({ children }: { children: ReactNode }) {
  const client = useFitmq()
  const [list, setList] = useState<readonly Notice[]>([])
  const count = useRef(0)
  const close = useCallback((key: number): void => setList((l) => l.filter((n) => n.key !== key)), [])
  const tell = useCallback<Tell>((text, kind = 'error', href) => {
    const key = ++count.current
    // The same sentence twice at once is told once.
    setList((l) => (l.some((n) => n.text === text) ? l : [...l, { key, text, kind, href }].slice(-most)))
    setTimeout(() => close(key), shownFor)
  }, [close])
  useEffect(() => client.onError((error) => {
    if (!silent.has(error.code)) tell(wordsOf(error))
  }), [client, tell])
  return (
    <Context value={tell}>
      {children}
      <ol className="notices" aria-live="polite" aria-label={strings.notices}>
        {list.map((n) => (
          <li key={n.key} className="notice-item" data-kind={n.kind} data-testid="notice">
            {n.href === undefined ? <span>{n.text}</span> : <a href={n.href} onClick={() => close(n.key)}>{n.text}</a>}
            <button type="button" className="icon-button" aria-label={strings.dismiss} onClick={() => close(n.key)}>
              <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18" /></svg>
            </button>
          </li>
        ))}
      </ol>
    </Context>
  )
}
