// Small pieces that the console's parts share.
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { strings } from './strings'
import type { Asked } from './poll'

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
  if (of.error !== undefined) return <p className="console-problem" role="alert">{of.error}</p>
  return of.value === undefined ? <p className="console-empty" role="status">{strings.loading}</p> : null
}

/** A table that scrolls sideways by itself where it is too wide, also with the keyboard. */
export function Table({ caption, head, children, testid }: { caption: string; head: readonly string[]; children: ReactNode; testid?: string }) {
  return (
    <div className="console-scroll" tabIndex={0} role="group" aria-label={caption}>
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
export function Fact({ name, children, testid }: { name: string; children: ReactNode; testid?: string }) {
  return (
    <div className="console-fact" data-testid={testid}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** A button that asks back before it does something that cannot be undone. */
export function Sure({ label, question, onYes, disabled }: { label: string; question: string; onYes: () => void; disabled?: boolean }) {
  const [asked, setAsked] = useState(false)
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (asked) dialog.current?.showModal()
  }, [asked])
  return (
    <>
      <button type="button" className="console-danger" disabled={disabled} onClick={() => setAsked(true)}>{label}</button>
      {asked && (
        <dialog ref={dialog} className="console-dialog" aria-label={label} onClose={() => setAsked(false)}>
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

/** Pages of a list: the cursors that led here, and the way on. */
export function usePages(): { after: string; turn: (next: string) => void; first: () => void; later: boolean } {
  const [after, setAfter] = useState('')
  return { after, turn: setAfter, first: () => setAfter(''), later: after !== '' }
}

export function Pager({ pages, next }: { pages: ReturnType<typeof usePages>; next: string | undefined }) {
  if (!pages.later && next === undefined) return null
  return (
    <div className="console-row console-pager">
      <button type="button" className="quiet-button" disabled={!pages.later} onClick={pages.first}>{strings.first}</button>
      <button type="button" className="quiet-button" disabled={next === undefined} data-testid="next-page" onClick={() => next !== undefined && pages.turn(next)}>
        {strings.next}
      </button>
    </div>
  )
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
