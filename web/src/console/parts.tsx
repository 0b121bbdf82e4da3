// Small pieces that the console's parts share.
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { count } from './format'
import { strings } from './strings'
import type { Asked } from './poll'
import type { Holding, Steady } from './steady'

/** The address of a place in the console. */
export function href(...path: string[]): string {
  return `#/console${path.map((p) => `/${encodeURIComponent(p)}`).join('')}`
}

/** This machine's clock, read anew each second. */
export function useClock(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}

/** What stands instead of an answer that is not there yet, and above one that is old. */
export function Waiting({ of }: { of: Asked<unknown> }) {
  if (of.error === strings.offline && of.value !== undefined) return null // the console says it above
  if (of.error !== undefined) return <p className="console-problem" role="alert">{of.error}</p>
  return of.value === undefined ? <p className="console-empty" role="status">{strings.loading}</p> : null
}

/** A table that scrolls sideways by itself where it is too wide, also with the keyboard. */
export function Table({ caption, head, children, testid, holding }: { caption: string; head: readonly string[]; children: ReactNode; testid?: string; holding?: Holding }) {
  return (
    <div className="console-scroll" tabIndex={0} role="group" aria-label={caption} {...holding}>
      <table className="console-table" data-testid={testid}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>{head.map((h) => <th key={h} scope="col">{h}</th>)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}

/** A name with its value. */
export function Fact({ name, children, testid, wide = false }: { name: string; children: ReactNode; testid?: string; wide?: boolean }) {
  return (
    <div className={wide ? 'console-fact console-fact-wide' : 'console-fact'} data-testid={testid}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** A button that asks back before it does something that cannot be undone. */
export function Sure({ label, name, question, onYes, disabled }: { label: string; name?: string; question: string; onYes: () => void; disabled?: boolean }) {
  const [asked, setAsked] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (asked) dialog.current?.showModal()
  }, [asked])
  return (
    <>
      <button type="button" className="console-danger" aria-label={name} disabled={disabled} onClick={() => setAsked(true)}>{label}</button>
      {asked && (
        <dialog ref={dialog} className="console-dialog" aria-label={name ?? label} onClose={() => setAsked(false)}>
          <p>{question}</p>
          <div className="console-row">
            <button type="button" className="quiet-button" onClick={() => dialog.current?.close()}>{strings.cancel}</button>
            <button type="button" className="console-danger" onClick={() => {
              dialog.current?.close()
              onYes()
            }}>
              {label}
            </button>
          </div>
        </dialog>
      )}
    </>
  )
}

/** Pages of a list: the cursors that led here, the way on, and back. */
export interface Pages {
  readonly after: string
  /** Which page this is, from 1. */
  readonly number: number
  readonly turn: (next: string) => void
  readonly back: () => void
  readonly first: () => void
}

export function usePages(): Pages {
  const [cursors, setCursors] = useState<readonly string[]>([])
  return {
    after: cursors.at(-1) ?? '',
    number: cursors.length + 1,
    turn: (next) => setCursors((c) => [...c, next]),
    back: () => setCursors((c) => c.slice(0, -1)),
    first: () => setCursors([]),
  }
}

export function Pager({ pages, next }: { pages: Pages; next: string | undefined }) {
  if (pages.number === 1 && next === undefined) return null
  return (
    <div className="console-row console-pager">
      <span className="console-help" data-testid="page-number">{strings.page(pages.number)}</span>
      <button type="button" className="quiet-button" disabled={pages.number === 1} onClick={pages.first}>{strings.first}</button>
      <button type="button" className="quiet-button" disabled={pages.number === 1} data-testid="previous-page" onClick={pages.back}>{strings.previous}</button>
      <button type="button" className="quiet-button" disabled={next === undefined} data-testid="next-page" onClick={() => next !== undefined && pages.turn(next)}>
        {strings.next}
      </button>
    </div>
  )
}

/** Says that a list holds still, and what it does not show for that. */
export function Held({ list }: { list: Steady<unknown> & { held: boolean } }) {
  const text = list.held && list.news > 0 ? strings.held(list.news) : ''
  return <p className="console-help console-held" data-testid="held">{text}</p>
}

/** Why deliveries were given up, with their numbers. */
export function Dropped({ of }: { of: Readonly<Record<string, number>> | undefined }) {
  const list = Object.entries(of ?? {})
  if (list.length === 0) return <>{strings.none}</>
  return <>{list.map(([why, n]) => `${count(n)}: ${strings.reasons[`dropped.${why}`] ?? why}`).join('; ')}</>
}

/** The value once it has stayed the same for 300 ms: what somebody is typing. */
export function useTyped(value: string): string {
  const [typed, setTyped] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setTyped(value), 300)
    return () => clearTimeout(timer)
  }, [value])
  return typed
}
