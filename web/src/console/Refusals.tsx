import { useEffect, useRef, useState } from 'react'
import { clock, code } from './format'
import { href, Table, useClock, Waiting } from './parts'
import { usePoll } from './poll'
import { strings } from './strings'
import type { Gate, Page, Refusal } from './types'

const t = strings.refusals

/** Whether a refusal has the words somewhere. */
export function fits(r: Refusal, words: string): boolean {
  const all = `${r.userId ?? ''} ${r.clientId ?? ''} ${r.action} ${r.target ?? ''} ${r.reason} ${code(r.code)}`.toLowerCase()
  return words.toLowerCase().split(/\s+/).every((w) => all.includes(w))
}

/** How many are newer than the newest that was known; the list has the newest first. */
export function freshIn(list: readonly Refusal[], newest: string | undefined): number {
  if (newest === undefined) return 0
  const i = list.findIndex((r) => r.time <= newest)
  return i < 0 ? list.length : i
}

/** What was refused to whom, and why, as it happens. */
export function Refusals({ gate }: { gate: Gate }) {
  const list = usePoll<Page<Refusal>>(gate, '/refusals?limit=500', 2_000)
  const [held, setHeld] = useState<readonly Refusal[]>()
  const [words, setWords] = useState('')
  const now = useClock()
  const news = useNews(list.value?.items)
  const all = held ?? list.value?.items
  const shown = all?.filter((r) => fits(r, words))
  return (
    <>
      <form className="console-tools" role="search" onSubmit={(e) => e.preventDefault()}>
        <label className="console-wide">
          {t.filter}
          <input type="search" value={words} spellCheck={false} autoCapitalize="none" onChange={(e) => setWords(e.target.value)} />
        </label>
        <button type="button" className="quiet-button" aria-pressed={held !== undefined} onClick={() => setHeld(held === undefined ? (list.value?.items ?? []) : undefined)}>
          {held === undefined ? t.pause : t.resume}
        </button>
      </form>
      <p className="console-help">{t.help}</p>
      <p className="visually-hidden" role="status">{news > 0 && held === undefined ? t.fresh(news) : ''}</p>
      <section className="panel" aria-label={t.caption}>
        <Waiting of={list} />
        {shown?.length === 0 && <p className="console-empty">{all?.length === 0 ? t.empty : t.noMatch}</p>}
        {shown !== undefined && shown.length > 0 && (
          <Table caption={t.caption} head={[t.time, t.who, t.what, t.code, t.reason]} testid="refusals">
            {shown.map((r, i) => (
              <tr key={`${r.time} ${i}`} data-testid="refusal" data-user={r.userId ?? ''}>
                <td className="console-code">{clock(r.time, now)}</td>
                <th scope="row">
                  {r.userId === undefined || r.userId === '' ? <i>{strings.clients.anonymous}</i> : r.userId}
                  {r.clientId !== undefined && r.clientId !== '' && <small> <a href={href('clients', r.clientId)}>{r.clientId}</a></small>}
                </th>
                <td>{t.actions[r.action] ?? r.action} <span className="console-code">{r.target}</span></td>
                <td className="console-code">{code(r.code)}</td>
                <td>{r.reason}</td>
              </tr>
            ))}
          </Table>
        )}
      </section>
    </>
  )
}

/** How many came with the last answer. */
function useNews(list: readonly Refusal[] | undefined): number {
  const [n, setN] = useState(0)
  const newest = useRef<string>(undefined)
  useEffect(() => {
    if (list === undefined) return
    setN(freshIn(list, newest.current))
    newest.current = list[0]?.time ?? newest.current ?? ''
  }, [list])
  return n
}
